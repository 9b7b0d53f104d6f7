//! Reading the options of an object of the configuration, and the variables that win over them.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use crate::configuration::duration::{self, parse_duration};
use crate::configuration::{Environment, Object, Problem, VARIABLE_PREFIX};

/// An object of the configuration, with its path.
pub(super) struct Section<'a> {
    path: String,
    options: &'a Object,
    environment: &'a Environment,
    /// The beginning of the names of its variables; `None` if it has none.
    variables: Option<String>,
}

impl<'a> Section<'a> {
    pub(super) fn root(options: &'a Object, environment: &'a Environment) -> Self {
        Self {
            path: String::new(),
            options,
            environment,
            variables: Some(VARIABLE_PREFIX.to_owned()),
        }
    }

    #[cfg(feature = "proxy")]
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the value of an option that is not a variable.
    #[cfg(feature = "proxy")]
    pub(super) fn value(&self, option: &str) -> Option<&'a Value> {
        self.get(option)
    }

    /// Returns the full name of an option, with the path.
    pub(super) fn name(&self, option: &str) -> String {
        if self.path.is_empty() {
            option.to_owned()
        } else {
            format!("{}.{option}", self.path)
        }
    }

    /// Returns the value of an option; `null` counts as unset.
    fn get(&self, option: &str) -> Option<&'a Value> {
        self.options.get(option).filter(|value| !value.is_null())
    }

    /// Returns the variable of an option, with its value.
    pub(super) fn variable(&self, option: &str) -> Option<(String, &'a str)> {
        let name = format!("{}_{}", self.variables.as_ref()?, option.to_uppercase());
        let value = self.environment.get(&name)?;
        Some((name, value))
    }

    /// Reads an object; it is empty if it is unset.
    pub(super) fn section(&self, option: &str) -> Result<Self, Problem> {
        static EMPTY: LazyLock<Object> = LazyLock::new(Object::new);
        let options = match self.get(option) {
            None => &EMPTY,
            Some(Value::Object(options)) => options,
            Some(_) => return Err(format!("{} is not an object", self.name(option))),
        };
        let prefix = self.variables.as_ref();
        Ok(Self {
            path: self.name(option),
            options,
            environment: self.environment,
            variables: prefix.map(|prefix| format!("{prefix}_{}", option.to_uppercase())),
        })
    }

    /// Reads a list, which a variable has in JSON.
    pub(super) fn list(&self, option: &str) -> Result<Cow<'a, [Value]>, Problem> {
        if let Some((name, value)) = self.variable(option) {
            let list = serde_json::from_str(value);
            return list
                .map(Cow::Owned)
                .map_err(|error| format!("{name} is not a JSON list: {error}"));
        }
        match self.get(option) {
            None => Ok(Cow::Borrowed(&[])),
            Some(Value::Array(list)) => Ok(Cow::Borrowed(list)),
            Some(_) => Err(format!("{} is not a list", self.name(option))),
        }
    }

    /// Reads an object in a list.
    pub(super) fn item<'b>(
        &'b self,
        list: &str,
        index: usize,
        item: &'b Value,
    ) -> Result<Section<'b>, Problem> {
        let path = format!("{}[{index}]", self.name(list));
        match item.as_object() {
            Some(options) => Ok(Section {
                path,
                options,
                environment: self.environment,
                variables: None,
            }),
            None => Err(format!("{path} is not an object")),
        }
    }

    /// Returns the section of an item of a list with its variables, whose names begin with that of the list and that of the
    /// item.
    pub(super) fn with_variables(self, list: &str, name: &str) -> Self {
        let name = name.to_uppercase().replace(['-', '.'], "_");
        Self {
            variables: Some(format!("{VARIABLE_PREFIX}_{list}_{name}")),
            ..self
        }
    }

    pub(super) fn text(&self, option: &str) -> Result<Option<String>, Problem> {
        if let Some((_, value)) = self.variable(option) {
            return Ok(Some(value.to_owned()));
        }
        match self.get(option) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("{} is not a string", self.name(option))),
        }
    }

    /// Reads a text; an empty one counts as unset.
    pub(super) fn non_empty_text(&self, option: &str) -> Result<Option<String>, Problem> {
        Ok(self.text(option)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn flag(&self, option: &str) -> Result<bool, Problem> {
        if let Some((name, value)) = self.variable(option) {
            return match value {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
                _ => Err(format!("{name} is neither true nor false")),
            };
        }
        match self.get(option) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(format!("{} is neither true nor false", self.name(option))),
        }
    }

    pub(super) fn number(&self, option: &str) -> Result<i64, Problem> {
        if let Some((name, value)) = self.variable(option) {
            return value
                .parse()
                .map_err(|_| format!("{name} is not a whole number"));
        }
        match self.get(option) {
            None => Ok(0),
            Some(value) => value
                .as_i64()
                .ok_or_else(|| format!("{} is not a whole number", self.name(option))),
        }
    }

    pub(super) fn duration(&self, option: &str) -> Result<Duration, Problem> {
        let Some(text) = self.text(option)? else {
            return Ok(Duration::ZERO);
        };
        let name = match self.variable(option) {
            Some((name, _)) => name,
            None => self.name(option),
        };
        parse_duration(&text).ok_or_else(|| {
            format!(
                "{name}: `{text}` is not a duration such as 300s or 1h30m; {}",
                duration::UNITS
            )
        })
    }
}
