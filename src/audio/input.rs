//! Where the bytes of a recording come from: memory, a file, or a stream that cannot go back.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
};

use symphonia::core::io::MediaSource;

/// A stream that is read as it arrives.
pub(super) type Stream<'a> = Box<dyn Read + Send + Sync + 'a>;

/// Untrusted bytes. Positions count from where the recording begins, behind what was skipped with [`Input::rebase`].
pub(super) struct Input<'a> {
    bytes: Bytes<'a>,
    /// Where the recording begins.
    base: u64,
    /// Position behind `base`.
    at: u64,
    /// Where it ends, where that is known.
    len: Option<u64>,
}

enum Bytes<'a> {
    Memory(Cursor<Cow<'a, [u8]>>),
    File(BufReader<File>),
    /// What was peeked at and not read yet, then the rest.
    Stream(Cursor<Vec<u8>>, Stream<'a>),
}

impl<'a> Input<'a> {
    /// Bytes in memory.
    pub(super) fn memory(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        let len = Some(bytes.len() as u64);
        Self { bytes: Bytes::Memory(Cursor::new(bytes)), base: 0, at: 0, len }
    }

    /// An open regular file of `len` bytes.
    pub(super) fn file(file: File, len: u64) -> Self {
        Self { bytes: Bytes::File(BufReader::with_capacity(1 << 16, file)), base: 0, at: 0, len: Some(len) }
    }

    /// What arrives on `stream`.
    pub(super) fn stream(stream: Stream<'a>) -> Self {
        Self { bytes: Bytes::Stream(Cursor::default(), stream), base: 0, at: 0, len: None }
    }

    /// Bytes from the current position to the end, where that is known.
    pub(super) fn left(&self) -> Option<u64> {
        self.len.map(|len| len.saturating_sub(self.at))
    }

    /// Position.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next bytes without reading them: `n`, or fewer before the end.
    pub(super) fn peek(&mut self, n: usize) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        if let Bytes::Stream(peeked, stream) = &mut self.bytes {
            let read = peeked.position() as usize;
            peeked.get_mut().drain(..read);
            peeked.set_position(0);
            let have = peeked.get_ref().len();
            if n > have {
                stream.take((n - have) as u64).read_to_end(peeked.get_mut())?;
            }
            head.extend(peeked.get_ref().iter().take(n));
        } else {
            let at = self.at;
            self.by_ref().take(n as u64).read_to_end(&mut head)?;
            self.seek(SeekFrom::Start(at))?;
        }
        Ok(head)
    }

    /// Goes forward by `n` bytes; false where the end comes before.
    pub(super) fn skip(&mut self, n: u64) -> io::Result<bool> {
        match self.left() {
            Some(left) => {
                self.seek(SeekFrom::Start(self.at + n.min(left)))?;
                Ok(n <= left)
            }
            None => Ok(io::copy(&mut self.by_ref().take(n), &mut io::sink())? == n),
        }
    }

    /// Lets the recording begin at the current position and, where `len` is given, end so many bytes behind it.
    pub(super) fn rebase(mut self, len: Option<u64>) -> Self {
        self.len = [self.left(), len.filter(|_| self.len.is_some())].into_iter().flatten().min();
        self.base += self.at;
        self.at = 0;
        self
    }

    /// The same bytes, seekable: what is still to come of a stream is kept in memory, `most` bytes at the most.
    pub(super) fn seekable(mut self, most: u64) -> Result<Self, String> {
        if self.len.is_some() {
            return Ok(self);
        }
        let mut bytes = Vec::new();
        self.by_ref().take(most + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        if bytes.len() as u64 > most { Err(format!("more than the {most} bytes accepted")) } else { Ok(Input::memory(bytes)) }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = self.left().map_or(buf.len(), |left| buf.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        let buf = &mut buf[..most];
        let n = match &mut self.bytes {
            Bytes::Memory(bytes) => bytes.read(buf)?,
            Bytes::File(file) => file.read(buf)?,
            Bytes::Stream(peeked, stream) => match peeked.read(buf)? {
                0 => stream.read(buf)?,
                n => n,
            },
        };
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Input<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "a position outside the recording");
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.and_then(|len| len.checked_add_signed(by)),
        };
        let at = at.ok_or_else(outside)?;
        let absolute = self.base.checked_add(at).ok_or_else(outside)?;
        match &mut self.bytes {
            Bytes::Memory(bytes) => bytes.set_position(absolute),
            // Relative, so that what is buffered stays.
            Bytes::File(file) => match i64::try_from(i128::from(at) - i128::from(self.at)) {
                Ok(by) => file.seek_relative(by)?,
                Err(_) => return Err(outside()),
            },
            Bytes::Stream(..) if at == self.at => {}
            Bytes::Stream(..) => return Err(io::ErrorKind::Unsupported.into()),
        }
        self.at = at;
        Ok(at)
    }
}

impl MediaSource for Input<'_> {
    fn is_seekable(&self) -> bool {
        self.len.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_file_and_stream_are_read_alike() {
        let bytes: Vec<u8> = (0..=255).collect();
        let path = tempfile::tempdir().unwrap().keep().join("bytes");
        std::fs::write(&path, &bytes).unwrap();
        let inputs = [Input::memory(&bytes[..]), Input::file(File::open(&path).unwrap(), 256), Input::stream(Box::new(bytes.as_slice()))];
        for mut input in inputs {
            assert_eq!(input.peek(3).unwrap(), [0, 1, 2]);
            assert_eq!(input.peek(5).unwrap(), [0, 1, 2, 3, 4]);
            assert!(input.skip(10).unwrap());
            let known = input.left().is_some();
            let mut input = input.rebase(Some(100));
            assert_eq!((input.at, input.left()), (0, known.then_some(100)));
            let mut two = [0; 2];
            input.read_exact(&mut two).unwrap();
            assert_eq!(two, [10, 11]);
            assert_eq!(input.seek(SeekFrom::Start(0)).is_ok(), known);
            assert!(!input.skip(300).unwrap());
            assert_eq!(input.read(&mut two).unwrap(), 0);
        }
        assert_eq!(Input::stream(Box::new(&bytes[..])).seekable(256).unwrap().left(), Some(256));
        assert!(Input::stream(Box::new(&bytes[..])).seekable(255).is_err());
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
