//! Reading a record line by line, in bounded memory.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::{ATTEMPTS_MAX, Call, Header, LINE_BYTES_MAX, Line, RecordError, Tables, VERSION};

/// Reads a record: its header at once, then one [`Line`] for each `next`. It ends at the end of the
/// file or at the first mistake. Memory: one line, and the names of routes.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    file: String,
    header: Header,
    buffer: Vec<u8>,
    line: u64,
    /// Every route that a table has named so far; their names are shared by the calls.
    routes: BTreeSet<Arc<str>>,
    state: State,
}

/// How far the reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Lines follow.
    Lines,
    /// The last line was read.
    Closed,
    /// Nothing more is read: the end was reached.
    Over(Tail),
    /// Nothing more is read: what follows a mistake cannot be trusted.
    Wrong,
}

/// How a record ends, known once everything before has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// With its last line: nothing that was to be written is missing.
    Whole,
    /// Without its last line: who wrote it was killed, or writes still. Up to a second of calls at
    /// its end is missing.
    Open,
    /// In the middle of this line, which was passed over; the same as [`Tail::Open`] otherwise.
    Cut {
        /// The line, from 1.
        line: u64,
    },
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("the record is whole"),
            Self::Open => f.write_str("the record was never closed; its latest calls are missing"),
            Self::Cut { line } => write!(
                f,
                "the record breaks off within line {line}, which is left out; \
                 its latest calls are missing"
            ),
        }
    }
}

const NO_RECORD: &str = "name a file that `seawall run --record` wrote";
const DAMAGED: &str = "the lines before it are good: cut the file there, or record anew";
const BEYOND: &str = "no Seawall writes such a line: name the right file";

/// What the buffer holds after a read.
enum Got {
    Line,
    Part,
    Nothing,
}

/// The first line, before it is known whether its version can be read.
#[derive(Deserialize)]
struct Peek {
    seawall_record: PeekVersion,
}

#[derive(Deserialize)]
struct PeekVersion {
    version: u32,
}

#[derive(Deserialize)]
struct First {
    seawall_record: Header,
}

impl Reader<BufReader<File>> {
    /// Opens the record at `path`.
    ///
    /// # Errors
    /// As [`Reader::new`]; also if the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(input) => Self::new(BufReader::new(input), &file),
            Err(source) => Err(RecordError::Unreadable { file, source }),
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// Begins to read a record; `file` is its name in messages.
    ///
    /// # Errors
    /// [`RecordError::Newer`] for a version that this one does not know, [`RecordError::Wrong`] for
    /// anything that does not begin as a record does.
    pub fn new(input: R, file: &str) -> Result<Self, RecordError> {
        let header = Header::new(0, Tables::default());
        let (file, buffer, routes) = (file.to_owned(), Vec::new(), BTreeSet::new());
        let (line, state) = (0, State::Lines);
        let mut reader = Self { input, file, header, buffer, line, routes, state };
        reader.header = reader.read_header()?;
        let tables = reader.header.tables.clone();
        reader.learn(&tables)?;
        Ok(reader)
    }

    /// The first line.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The number of the line that was read last, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// How the record ends; none before its end was reached, and after a mistake.
    #[must_use]
    pub const fn tail(&self) -> Option<Tail> {
        match self.state {
            State::Over(tail) => Some(tail),
            State::Lines | State::Closed | State::Wrong => None,
        }
    }

    fn read_header(&mut self) -> Result<Header, RecordError> {
        match self.fill()? {
            Got::Line => {}
            Got::Nothing => return Err(self.wrong("it is empty", NO_RECORD)),
            Got::Part => {
                let what = "it breaks off within its first line, so it holds no calls";
                return Err(self.wrong(what, NO_RECORD));
            }
        }
        let peek: Peek = serde_json::from_slice(&self.buffer).map_err(|error| {
            self.wrong(format!("not a record of Seawall: {}", told(&error)), NO_RECORD)
        })?;
        match peek.seawall_record.version {
            0 => Err(self.wrong("a record has a version from 1 on", NO_RECORD)),
            VERSION => self.parse::<First>().map(|first| first.seawall_record),
            version => Err(RecordError::Newer { file: self.file.clone(), version }),
        }
    }

    fn read_line(&mut self) -> Result<Option<Line>, RecordError> {
        let closed = self.state == State::Closed;
        match self.fill()? {
            Got::Nothing if closed => Ok(self.finish(Tail::Whole)),
            Got::Line | Got::Part if closed => {
                Err(self.wrong("a line after the last one", DAMAGED))
            }
            Got::Nothing => Ok(self.finish(Tail::Open)),
            Got::Part => Ok(self.finish(Tail::Cut { line: self.line })),
            Got::Line => {
                let mut line = self.parse()?;
                self.check(&mut line)?;
                Ok(Some(line))
            }
        }
    }

    fn finish(&mut self, tail: Tail) -> Option<Line> {
        self.state = State::Over(tail);
        None
    }

    fn check(&mut self, line: &mut Line) -> Result<(), RecordError> {
        match line {
            Line::Call(call) => self.check_call(call),
            Line::Reload(reload) => self.learn(&reload.tables),
            Line::Gap(_) => Ok(()),
            Line::End(_) => {
                self.state = State::Closed;
                Ok(())
            }
        }
    }

    fn check_call(&self, call: &mut Call) -> Result<(), RecordError> {
        let attempts = call.attempts.len();
        if attempts > ATTEMPTS_MAX {
            let what = format!("a call of {attempts} attempts, above {ATTEMPTS_MAX}");
            return Err(self.wrong(what, BEYOND));
        }
        let Some(known) = self.routes.get(&call.route) else {
            let what = format!("the route {:?} is in no table before it", call.route);
            return Err(self.wrong(what, DAMAGED));
        };
        call.route = Arc::clone(known);
        Ok(())
    }

    fn learn(&mut self, tables: &Tables) -> Result<(), RecordError> {
        if let Some(what) = tables.mistake() {
            return Err(self.wrong(what, BEYOND));
        }
        for route in &tables.routes {
            if !self.routes.contains(&*route.name) {
                self.routes.insert(Arc::from(&*route.name));
            }
        }
        // A day of reloads that rename every route must not take all memory.
        if self.routes.len() > 2 * super::TABLE_MAX {
            return Err(self.wrong("too many different routes in one record", BEYOND));
        }
        Ok(())
    }

    /// Reads the next line into the buffer, without its end.
    fn fill(&mut self) -> Result<Got, RecordError> {
        self.buffer.clear();
        let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bounded = self.input.by_ref().take(most + 1);
        let read = bounded.read_until(b'\n', &mut self.buffer);
        let read =
            read.map_err(|source| RecordError::Unreadable { file: self.file.clone(), source })?;
        if read == 0 {
            return Ok(Got::Nothing);
        }
        self.line += 1;
        if read > LINE_BYTES_MAX {
            return Err(self.wrong(format!("a line above {LINE_BYTES_MAX} bytes"), BEYOND));
        }
        Ok(if self.buffer.pop_if(|last| *last == b'\n').is_some() { Got::Line } else { Got::Part })
    }

    fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, RecordError> {
        serde_json::from_slice(&self.buffer).map_err(|error| self.wrong(told(&error), DAMAGED))
    }

    fn wrong(&self, what: impl Into<String>, remedy: &'static str) -> RecordError {
        let (file, line) = (self.file.clone(), self.line.max(1));
        RecordError::Wrong { file, line, what: what.into(), remedy }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Line, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let State::Over(_) | State::Wrong = self.state {
            return None;
        }
        self.read_line().inspect_err(|_| self.state = State::Wrong).transpose()
    }
}

/// What the parser says, with the column; its line is always 1, for it sees one at a time.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
    match error.column() {
        0 => what.to_owned(),
        column => format!("{what} (column {column})"),
    }
}
