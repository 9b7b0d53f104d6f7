//! The embedded server, configured like a real one.

use serde_json::{Value, json};

/// The sections of Centrifugo's configuration. Environment variables join their names with those of
/// the options.
const SECTIONS: [&str; 5] = ["channel", "grpc_api", "health", "http_api", "http_server"];

pub(crate) struct Embedded {
    pub(super) port: u16,
    configuration: String,
    server: Option<centrifugo_api_testing::Server>,
}

impl Embedded {
    /// Starts a server with the configuration of a file, if any. `options` are Centrifugo's
    /// environment variables and
    /// override it.
    pub(super) fn launch(file: Option<&str>, options: &[(&str, &str)]) -> Self {
        let mut configuration = file.map_or(json!({}), read);
        for (variable, value) in options.iter().filter(|(_, value)| !value.is_empty()) {
            let (section, option) = path(variable);
            configuration[section][option] =
                serde_json::from_str(value).unwrap_or(Value::from(*value));
        }
        let configuration = configuration.to_string();
        let server = start(&configuration, 0);
        Self {
            port: port(&server),
            configuration,
            server: Some(server),
        }
    }

    pub(super) fn restart(&mut self) {
        self.kill();
        self.server = Some(start(&self.configuration, self.port));
    }

    pub(super) fn kill(&mut self) {
        self.server = None;
    }

    pub(crate) fn server(&self) -> &centrifugo_api_testing::Server {
        self.server.as_ref().expect("the server was not killed")
    }
}

fn read(file: &str) -> Value {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn start(configuration: &str, port: u16) -> centrifugo_api_testing::Server {
    let builder = centrifugo_api_testing::Server::builder()
        .configuration(configuration)
        .port(port);
    builder
        .start()
        .unwrap_or_else(|error| panic!("{error}: {configuration}"))
}

fn port(server: &centrifugo_api_testing::Server) -> u16 {
    let url = server.grpc_url();
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
    port.unwrap_or_else(|| panic!("{url} has no port"))
}

/// Returns the section and name of an option: `CENTRIFUGO_HTTP_API_KEY` is `http_api.key`.
fn path(variable: &str) -> (&'static str, String) {
    let name = variable.to_lowercase();
    let path = SECTIONS.iter().find_map(|section| {
        let option = name.strip_prefix(&format!("centrifugo_{section}_"))?;
        Some((*section, option.to_owned()))
    });
    path.unwrap_or_else(|| panic!("{variable} is in none of {SECTIONS:?}"))
}
