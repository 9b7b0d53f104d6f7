//! An embedded Centrifugo server, for tests.
#![allow(dead_code)]

mod json;
