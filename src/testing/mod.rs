//! An embedded Centrifugo server, for tests.
#![allow(dead_code, unused_imports)]

mod json;
