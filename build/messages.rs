//! The messages: prost's code for the schema, as a syntax tree that the later steps read and add to.

use std::cell::RefCell;
use std::rc::Rc;

use prost_build::{Config, Module, Service, ServiceGenerator};

use super::schema::{Schema, is_message};

/// What prost makes of a schema.
pub struct Messages {
    pub file: syn::File,
    pub service: Service,
}

/// Messages with a field for each method: unboxed, one takes 5 kB whatever it holds.
const WIDE_MESSAGES: &[&str] = &["Command", "Reply"];

/// Generates the messages.
pub fn generate(schema: &Schema) -> Result<Messages, String> {
    let service = Rc::new(RefCell::new(None));
    let mut config = Config::new();
    config
        .bytes(["."])
        .btree_map(["."])
        .message_attribute(".", "#[non_exhaustive]")
        .enum_attribute(".", "#[non_exhaustive]")
        .service_generator(Box::new(Keep(Rc::clone(&service))));
    for message in schema.files.iter().flat_map(|file| &file.message_type) {
        if WIDE_MESSAGES.contains(&message.name()) {
            for field in message.field.iter().filter(|field| is_message(field)) {
                config.boxed(format!(".{}.{}.{}", schema.package, message.name(), field.name()));
            }
        }
    }
    let module = Module::from_protobuf_package_name(&schema.package);
    let requests = schema.files.iter().map(|file| (module.clone(), file.clone())).collect();
    let mut modules = config.generate(requests).map_err(|error| format!("prost: {error}"))?;
    let code = modules.remove(&module).ok_or("prost generated nothing")?;
    let file = syn::parse_file(&code)
        .map_err(|error| format!("prost generated code that does not parse: {error}"))?;
    let service = service.take().ok_or("prost found no service")?;
    Ok(Messages { file, service })
}

/// Keeps the service's description, in Rust's names, and generates nothing.
struct Keep(Rc<RefCell<Option<Service>>>);

impl ServiceGenerator for Keep {
    fn generate(&mut self, service: Service, _code: &mut String) {
        self.0.replace(Some(service));
    }
}
