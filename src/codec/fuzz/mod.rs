//! Fuzz targets: replies as servers and proxies can send them.

mod command_lines;
mod frames;
mod replies;
