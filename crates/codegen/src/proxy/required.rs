//! The content that a schema of the proxy protocol must have: that of the shipped one, since hand-written code reads and writes all
//! of it.

use crate::profile::PROXY;
use crate::proxy::facts;
use crate::schema::{Schema, check_field, check_rpc, declared_rpc, declared_type, service};

/// Checks that a schema has the messages, fields and rpcs of the shipped one.
pub(super) fn check(schema: &Schema, shipped: &Schema) -> Result<(), String> {
    for message in shipped.files.iter().flat_map(|file| &file.message_type) {
        for field in &message.field {
            let is_optional = facts::OPTIONAL.contains(&(message.name(), field.name()));
            if !is_optional {
                let ty = declared_type(message, field);
                check_field(&schema.files, message.name(), field.name(), &ty)?;
            }
        }
    }
    let own = service(&schema.files, &PROXY)?;
    for rpc in &service(&shipped.files, &PROXY)?.method {
        let [name, request, response] = declared_rpc(rpc, &shipped.package);
        check_rpc(own, &schema.package, [&name, &request, &response])?;
    }
    Ok(())
}
