//! The C interface, as `everloop_edge.h` describes it.
//!
//! Every function takes null pointers without harm. Texts are UTF-8 and end in a zero; those that are handed out are the
//! caller's, who gives them back to [`everloop_edge_free`]. A model may be used by several threads at once.
#![expect(
    unsafe_code,
    reason = "the C interface hands out and takes back pointers"
)]

use std::ffi::{CStr, CString, c_char};
use std::path::Path;

use crate::{Error, Model};

/// Reads a model; null, and a message in `error`, if it cannot.
///
/// # Safety
///
/// `path` is null or a text that ends in a zero; `error` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn everloop_edge_open(
    path: *const c_char,
    error: *mut *mut c_char,
) -> *mut Model {
    // SAFETY: the caller keeps what is asked above.
    let opened = unsafe { text(path, "the path") }.and_then(|path| Model::open(Path::new(path)));
    match opened {
        Ok(model) => Box::into_raw(Box::new(model)),
        Err(problem) => {
            // SAFETY: as above.
            unsafe { tell(&problem, error) };
            std::ptr::null_mut()
        }
    }
}

/// Predicts for rows of JSON, an object a row; an object a line comes back. Null, and a message in `error`, if it cannot.
///
/// # Safety
///
/// `model` is null or comes from [`everloop_edge_open`] and has not been closed; `rows` is null or a text that ends in a
/// zero; `error` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn everloop_edge_predict(
    model: *const Model,
    rows: *const c_char,
    error: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: the caller keeps what is asked above.
    let predicted = unsafe { (model.as_ref(), text(rows, "the rows")) };
    let predicted = match predicted {
        (None, _) => Err(Error::Text("the model")),
        (_, Err(problem)) => Err(problem),
        (Some(model), Ok(rows)) => {
            let mut answer = Vec::new();
            model.predict(rows.as_bytes(), &mut answer).map(|_| answer)
        }
    };
    let problem = match predicted.map(CString::new) {
        Ok(Ok(answer)) => return answer.into_raw(),
        // JSON escapes zeros.
        Ok(Err(_)) => Error::Text("the answer"),
        Err(problem) => problem,
    };
    // SAFETY: as above.
    unsafe { tell(&problem, error) };
    std::ptr::null_mut()
}

/// Gives a text back.
///
/// # Safety
///
/// `text` is null or was handed out here and not given back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn everloop_edge_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it was made by `CString::into_raw`.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Gives a model back.
///
/// # Safety
///
/// `model` is null or comes from [`everloop_edge_open`], has not been closed, and is not in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn everloop_edge_close(model: *mut Model) {
    if !model.is_null() {
        // SAFETY: it was made by `Box::into_raw`.
        drop(unsafe { Box::from_raw(model) });
    }
}

unsafe fn text<'a>(text: *const c_char, what: &'static str) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(Error::Text(what));
    }
    // SAFETY: the caller says that it ends in a zero.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Error::Text(what))
}

unsafe fn tell(problem: &Error, error: *mut *mut c_char) {
    let words = problem.whole().replace('\0', " ");
    if let (false, Ok(words)) = (error.is_null(), CString::new(words)) {
        // SAFETY: the caller says that it may be written to.
        unsafe { *error = words.into_raw() };
    }
}
