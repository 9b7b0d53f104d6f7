//! A call of one of Centrifugo's SQL functions, put together by the names of its parameters.

use std::borrow::Cow;
use std::time::Duration;

use crate::statement::{Parameter, Statement};

/// A call of a function, whose parameters have names, so that it does not depend on their order.
#[derive(Default)]
pub(super) struct Call {
    arguments: Vec<String>,
    parameters: Vec<Parameter<'static>>,
}

impl Call {
    fn argument(&mut self, name: &str, before: &str, after: &str, parameter: Parameter<'static>) {
        self.parameters.push(parameter);
        let number = self.parameters.len();
        self.arguments
            .push(format!("{name} => {before}${number}::{after}"));
    }

    pub(super) fn text(&mut self, name: &str, text: Option<String>) {
        let parameter = Parameter::Text(text.map(Cow::Owned));
        self.argument(name, "", "text", parameter);
    }

    pub(super) fn jsonb(&mut self, name: &str, json: Option<String>) {
        let parameter = Parameter::Text(json.map(Cow::Owned));
        self.argument(name, "", "text::jsonb", parameter);
    }

    pub(super) fn bytea(&mut self, name: &str, bytes: Option<Vec<u8>>) {
        let parameter = Parameter::Bytea(bytes.map(Cow::Owned));
        self.argument(name, "", "bytea", parameter);
    }

    pub(super) fn integer(&mut self, name: &str, number: Option<i32>) {
        self.argument(name, "", "integer", Parameter::Integer(number));
    }

    pub(super) fn bigint(&mut self, name: &str, number: Option<i64>) {
        self.argument(name, "", "bigint", Parameter::Bigint(number));
    }

    pub(super) fn boolean(&mut self, name: &str, flag: bool) {
        self.argument(name, "", "boolean", Parameter::Boolean(flag));
    }

    pub(super) fn interval(&mut self, name: &str, duration: Option<Duration>) {
        let seconds = Parameter::Double(duration.map(|duration| duration.as_secs_f64()));
        self.argument(name, "make_interval(secs => ", "double precision)", seconds);
    }

    /// Returns the query for columns of the function's result.
    pub(super) fn select(self, columns: &str, function: &str) -> Statement<'static> {
        let arguments = self.arguments.join(", ");
        let sql = format!("SELECT {columns} FROM {function}({arguments})");
        Statement::new(sql, self.parameters)
    }
}
