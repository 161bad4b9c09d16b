//! How long the server waits for those who are slow, on purpose or not.
//!
//! A client that opens connections and sends its requests a byte a minute, or asks for files and does not read them, would
//! otherwise hold a socket and memory each time, for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// The longest pauses that a connection may make.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the whole head of a request, and between requests.
    pub head: Duration,
    /// Without a byte of the body of a request.
    pub body: Duration,
    /// Without a byte of an answer being taken.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_mins(1),
            body: Duration::from_mins(1),
            answer: Duration::from_mins(2),
        }
    }
}

/// Measures a pause: from the first time that something was not ready to the next time that it is.
#[derive(Debug)]
struct Pause {
    longest: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl Pause {
    fn new(longest: Duration) -> Self {
        Self {
            longest,
            running: None,
        }
    }

    /// Passes on what is ready; what is not fails once the pause is too long.
    fn bound<T>(
        &mut self,
        polled: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.running = None;
            return polled;
        }
        let longest = self.longest;
        let pause = self
            .running
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
        ready!(pause.as_mut().poll(context));
        let seconds = longest.as_secs_f64();
        let message = format!("nothing came or was taken for {seconds} seconds");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

/// A connection that is given up when nobody takes the answers.
#[derive(Debug)]
pub(crate) struct Taken<S> {
    stream: S,
    pause: Pause,
}

impl<S> Taken<S> {
    pub(crate) fn new(stream: S, longest: Duration) -> Self {
        Self {
            stream,
            pause: Pause::new(longest),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taken<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taken<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pause.bound(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.pause.bound(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.pause.bound(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.pause.bound(polled, context)
    }
}

/// The body of a request, which fails when nothing more of it comes.
pub(crate) struct Sent<B> {
    body: B,
    pause: Pause,
}

impl<B> Sent<B>
where
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    /// The body, bounded.
    pub(crate) fn bounded(body: B, longest: Duration) -> Body {
        let pause = Pause::new(longest);
        Body::new(Self { body, pause })
    }
}

impl<B> HttpBody for Sent<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body)
            .poll_frame(context)
            .map(|frame| frame.transpose().map_err(io::Error::other));
        self.pause.bound(polled, context).map(Result::transpose)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
