//! The order of the rooms in `src`, and claims of the guides, read from the sources.

mod claims;
mod pictures;
mod rooms;
