//! The versions of real servers.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V6,
    V5,
    /// Has only the legacy command endpoint.
    V3,
}

impl Version {
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::V6 => "6.9.1",
            Self::V5 => "5.4.9",
            Self::V3 => "3.2.3",
        }
    }

    pub(super) fn port_flags(self) -> [&'static str; 2] {
        match self {
            Self::V6 => ["--http_server.port", "--grpc_api.port"],
            Self::V5 | Self::V3 => ["--port", "--grpc_api_port"],
        }
    }
}
