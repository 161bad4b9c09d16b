//! The parameters of a request: the query and the JSON body in one, read as leniently as MLflow reads them.
//!
//! Unknown fields are ignored; numbers may be given as text. A body that is not JSON counts as empty, so that what is
//! missing is named; a body of another content type is refused.

use axum::body::Bytes;
use axum::extract::{FromRequest, Query, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use everloop_domain::Timestamp;
use serde_json::{Map, Value};

use super::error::MlflowError;

/// The fields of a request, or of an object in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    fields: Map<String, Value>,
    /// Where the object stands in the request: empty, or `metrics[0].`.
    place: String,
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        let Query(query) = query.map_err(axum::response::IntoResponse::into_response)?;
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let has_body = matches!(
            *request.method(),
            Method::POST | Method::PUT | Method::PATCH
        );
        let body = Bytes::from_request(request, state)
            .await
            .map_err(axum::response::IntoResponse::into_response)?;
        if has_body {
            require_json(content_type.as_ref()).map_err(MlflowError::into_response)?;
        }
        Ok(Self::parse(query, &body))
    }
}

/// Refuses a body that does not say it is JSON: a browser sends such a form to any site without asking.
fn require_json(content_type: Option<&HeaderValue>) -> Result<(), MlflowError> {
    let refused = |message: &str| {
        let code = "INVALID_PARAMETER_VALUE";
        Err(MlflowError::with_code(
            StatusCode::BAD_REQUEST,
            code,
            message,
        ))
    };
    let Some(content_type) = content_type else {
        return refused("Bad Request. Content-Type header is missing.");
    };
    let kind = content_type.to_str().unwrap_or_default().split(';').next();
    if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    refused("Bad Request. Content-Type must be one of ['application/json'].")
}

impl Parameters {
    fn parse(query: Vec<(String, String)>, body: &[u8]) -> Self {
        let mut fields = Map::new();
        for (name, value) in query {
            match fields.get_mut(&name) {
                None => {
                    fields.insert(name, Value::String(value));
                }
                Some(Value::Array(values)) => values.push(Value::String(value)),
                Some(first) => *first = Value::Array(vec![first.take(), Value::String(value)]),
            }
        }
        if let Ok(Value::Object(body)) = serde_json::from_slice(body) {
            fields.extend(body);
        }
        fields.retain(|_, value| !value.is_null());
        Self {
            fields,
            place: String::new(),
        }
    }

    /// The text of a field; empty text counts as none.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, MlflowError> {
        match self.fields.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(other) => Err(self.wrong(name, other)),
        }
    }

    /// True or false, also as text.
    pub(super) fn boolean(&self, name: &str, default: bool) -> Result<bool, MlflowError> {
        match self.fields.get(name) {
            None => Ok(default),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(self.wrong(name, other)),
        }
    }

    /// A field as it was given.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Whether a field was given, be it empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Parameters that did not come as a request of their own.
    pub(super) fn from_fields(mut fields: Map<String, Value>) -> Self {
        fields.retain(|_, value| !value.is_null());
        Self {
            fields,
            place: String::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn from_json(body: &str) -> Self {
        Self::parse(Vec::new(), body.as_bytes())
    }

    /// The text of a field that must be there.
    pub(super) fn required(&self, name: &str) -> Result<String, MlflowError> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A field as something that is read from text, which must be there.
    pub(super) fn parsed<T: std::str::FromStr<Err = String>>(
        &self,
        name: &str,
    ) -> Result<T, MlflowError> {
        self.required(name)?.parse().map_err(MlflowError::invalid)
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, MlflowError> {
        let Some(value) = self.fields.get(name) else {
            return Ok(None);
        };
        let whole = match value {
            Value::Number(number) => number.as_i64().or_else(|| {
                number
                    .as_f64()
                    .filter(|n| n.fract() == 0.0)
                    .map(|n| n as i64)
            }),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        whole.map(Some).ok_or_else(|| self.wrong(name, value))
    }

    /// A moment in milliseconds.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, MlflowError> {
        Ok(self.integer(name)?.map(Timestamp::from_millis))
    }

    /// A number; `"NaN"`, `"Infinity"` and `"-Infinity"` stand for what JSON cannot say.
    pub(super) fn number(&self, name: &str) -> Result<f64, MlflowError> {
        let value = self.fields.get(name).ok_or_else(|| self.missing(name))?;
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(name, value))
    }

    /// A list of texts; one text counts as a list of one.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, MlflowError> {
        let one = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(self.wrong(name, other)),
        };
        match self.fields.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(one).collect(),
            Some(value) => Ok(vec![one(value)?]),
        }
    }

    /// The objects of a list.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, MlflowError> {
        let list = match self.fields.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.wrong(name, other)),
        };
        list.iter()
            .enumerate()
            .map(|(index, value)| match value {
                Value::Object(fields) => Ok(Self {
                    fields: fields.clone(),
                    place: format!("{}{name}[{index}].", self.place),
                }),
                other => Err(self.wrong(name, other)),
            })
            .collect()
    }

    /// An object; without it, one without fields.
    pub(super) fn object(&self, name: &str) -> Result<Self, MlflowError> {
        let fields = match self.fields.get(name) {
            None => Map::new(),
            Some(Value::Object(fields)) => fields.clone(),
            Some(other) => return Err(self.wrong(name, other)),
        };
        let place = format!("{}{name}.", self.place);
        Ok(Self { fields, place })
    }

    /// An object of texts; what is no text in it is taken as it is written.
    pub(super) fn map<C: FromIterator<(String, String)>>(
        &self,
        name: &str,
    ) -> Result<C, MlflowError> {
        let fields = self.object(name)?.fields;
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let pairs = fields.into_iter().map(|(key, value)| (key, text(value)));
        Ok(pairs.collect())
    }

    /// A list of objects with `key` and `value`; a missing value is empty.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, MlflowError> {
        let pair = |entry: &Self| {
            let key = entry.required("key")?;
            Ok((key, entry.texts("value")?.pop().unwrap_or_default()))
        };
        self.objects(name)?.iter().map(pair).collect()
    }

    fn missing(&self, name: &str) -> MlflowError {
        let place = &self.place;
        MlflowError::invalid(format!(
            "Missing value for required parameter '{place}{name}'. See the API docs for more information about request parameters."
        ))
    }

    fn wrong(&self, name: &str, found: &Value) -> MlflowError {
        let place = &self.place;
        let kind = match found {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "int",
            Value::String(_) => "str",
            Value::Array(_) => "list",
            Value::Object(_) => "dict",
        };
        MlflowError::invalid(format!(
            "Invalid value {found} for parameter '{place}{name}' supplied:  Hint: Value was of type '{kind}'. See the API docs \
             for more information about request parameters."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(query: &[(&str, &str)], body: &str) -> Parameters {
        let query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Parameters::parse(query, body.as_bytes())
    }

    #[test]
    fn numbers_and_texts_stand_for_each_other() {
        let found = read(
            &[("id", "7")],
            r#"{"step": "3", "ids": [5], "value": "NaN", "none": null}"#,
        );
        assert_eq!(found.integer("id").unwrap(), Some(7));
        assert_eq!(found.integer("step").unwrap(), Some(3));
        assert_eq!(found.texts("ids").unwrap(), ["5"]);
        assert!(found.number("value").unwrap().is_nan());
        assert_eq!(found.text("none").unwrap(), None);
    }

    #[test]
    fn a_repeated_query_parameter_is_a_list() {
        let found = read(&[("id", "1"), ("id", "2"), ("id", "3")], "");
        assert_eq!(found.texts("id").unwrap(), ["1", "2", "3"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_with_its_place() {
        let found = read(
            &[],
            r#"{"metrics": [{"key": "a", "value": true}], "list": 3}"#,
        );
        let message = |error: MlflowError| format!("{error:?}");
        let metric = &found.objects("metrics").unwrap()[0];
        assert!(message(metric.number("value").unwrap_err()).contains("'metrics[0].value'"));
        assert!(
            message(metric.required("timestamp").unwrap_err()).contains("'metrics[0].timestamp'")
        );
        assert!(message(found.objects("list").unwrap_err()).contains("Value was of type 'int'"));
    }

    #[test]
    fn a_body_that_is_no_object_counts_as_empty() {
        for body in ["[]", "3", "{", "{\"value\": NaN}"] {
            assert!(read(&[], body).required("value").is_err(), "{body}");
        }
    }

    #[test]
    fn a_body_must_say_that_it_is_json() {
        let check = |text: &'static str| require_json(Some(&HeaderValue::from_static(text)));
        assert!(check("application/json").is_ok());
        assert!(check("Application/JSON; charset=utf-8").is_ok());
        assert!(check("text/plain").is_err());
        assert!(require_json(None).is_err());
    }
}
