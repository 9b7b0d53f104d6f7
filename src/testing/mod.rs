//! An embedded Centrifugo for tests.
#![allow(dead_code, unused_imports)]

mod state;
