//! Values that are bound to statements and read from rows.

use std::borrow::Cow;
use std::error::Error as StdError;

use bytes::BytesMut;
use postgres::types::{FromSql as FromPostgres, IsNull, ToSql as ToPostgres, Type, to_sql_checked};
use rusqlite::types::{ToSql as ToSqlite, ToSqlOutput, ValueRef};

/// A value that is bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'v, str>),
}

impl Value<'_> {
    pub(crate) fn text(text: impl Into<String>) -> Value<'static> {
        Value::Text(Cow::Owned(text.into()))
    }
}

impl ToSqlite for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl ToPostgres for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) if *kind == Type::INT8 => ToPostgres::to_sql(number, kind, out),
            Self::Integer(number) if *kind == Type::FLOAT8 => {
                ToPostgres::to_sql(&(*number as f64), kind, out)
            }
            Self::Real(number) if *kind == Type::FLOAT8 => ToPostgres::to_sql(number, kind, out),
            Self::Integer(number) if *kind == Type::INT4 => {
                ToPostgres::to_sql(&i32::try_from(*number)?, kind, out)
            }
            Self::Text(text) if [Type::TEXT, Type::VARCHAR].contains(kind) => {
                ToPostgres::to_sql(text, kind, out)
            }
            value => Err(format!("{value:?} was bound where {kind} stands").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What can be bound. It is implemented for references, so that the value lives as long as what they point at, not as long
/// as a reference that was made on the way.
pub(crate) trait Bind<'v> {
    fn bind(self) -> Value<'v>;
}

impl<'v> Bind<'v> for &'v String {
    fn bind(self) -> Value<'v> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl<'v> Bind<'v> for &&'v str {
    fn bind(self) -> Value<'v> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl<'v> Bind<'v> for &&'v String {
    fn bind(self) -> Value<'v> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl<'v> Bind<'v> for &i64 {
    fn bind(self) -> Value<'v> {
        Value::Integer(*self)
    }
}

impl<'v> Bind<'v> for &u64 {
    fn bind(self) -> Value<'v> {
        // Ours are counted from 1; what does not fit was never stored and so is not found.
        Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl<'v> Bind<'v> for &usize {
    fn bind(self) -> Value<'v> {
        (&(*self as u64)).bind()
    }
}

impl<'v> Bind<'v> for &bool {
    fn bind(self) -> Value<'v> {
        Value::Integer(i64::from(*self))
    }
}

impl<'v> Bind<'v> for &f64 {
    fn bind(self) -> Value<'v> {
        Value::Real(*self)
    }
}

impl<'v> Bind<'v> for Value<'v> {
    fn bind(self) -> Self {
        self
    }
}

impl<'v> Bind<'v> for &Value<'v> {
    fn bind(self) -> Value<'v> {
        self.clone()
    }
}

impl<'v, T> Bind<'v> for &'v Option<T>
where
    &'v T: Bind<'v>,
{
    fn bind(self) -> Value<'v> {
        self.as_ref().map_or(Value::Null, Bind::bind)
    }
}

/// The values of a statement: `&values![name, number]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::session::Bind::bind(&$value)),*] };
}
pub(crate) use values;

/// What can be read from a row.
pub(crate) trait Stored: Sized {
    /// Nothing if the value is of another kind.
    fn read(value: Value<'_>) -> Option<Self>;
}

impl Stored for String {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }
}

impl Stored for i64 {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }
}

impl Stored for u64 {
    fn read(value: Value<'_>) -> Option<Self> {
        i64::read(value).and_then(|number| Self::try_from(number).ok())
    }
}

impl Stored for bool {
    fn read(value: Value<'_>) -> Option<Self> {
        i64::read(value).map(|number| number != 0)
    }
}

impl Stored for f64 {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Real(number) => Some(number),
            Value::Integer(number) => Some(number as Self),
            _ => None,
        }
    }
}

impl<T: Stored> Stored for Option<T> {
    fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

impl<'v> Value<'v> {
    pub(crate) fn from_sqlite(value: ValueRef<'v>) -> Self {
        match value {
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text)),
            ValueRef::Null | ValueRef::Blob(_) => Self::Null,
        }
    }
}

impl<'v> FromPostgres<'v> for Value<'v> {
    fn from_sql(kind: &Type, raw: &'v [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(kind, raw)?),
            Type::BOOL => Self::Integer(bool::from_sql(kind, raw)?.into()),
            _ => Self::Text(Cow::Borrowed(<&str>::from_sql(kind, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        let numbers = [Type::INT8, Type::INT4, Type::FLOAT8, Type::BOOL];
        numbers.contains(kind) || <&str as FromPostgres<'_>>::accepts(kind)
    }
}
