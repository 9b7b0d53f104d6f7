//! Publications of clients: `Publish`.
