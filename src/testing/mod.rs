//! An embedded Centrifugo for tests.
#![allow(dead_code)]

mod state;
