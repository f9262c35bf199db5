//! Falsifies the answers in a stream of bytes: a pure machine that is fed what comes from a replica
//! and gives what goes to the product.
//!
//! It understands HTTP/1.1 answers with a `content-length`, as replicas send them. What it does not
//! understand passes as it is, to the end of the connection.

use super::switches::Switches;

/// The longest head that is looked for; replicas send some 200 bytes.
const HEAD_MAX: usize = 16 << 10;
/// The most headers of a head.
const HEADERS_MAX: usize = 64;

/// Where in an answer the stream is.
#[derive(Debug)]
enum At {
    /// In a head, of which this has come.
    Head(Vec<u8>),
    /// In a body.
    Body {
        /// Bytes that have come.
        come: u64,
        /// Bytes that it has.
        length: u64,
    },
    /// Somewhere; nothing is changed any more.
    Lost,
}

/// What was done to answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hits {
    pub(super) cut: u64,
    pub(super) corrupted: u64,
    pub(super) lengthened: u64,
}

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It does.
    Open,
    /// It is closed behind the bytes.
    Close,
}

/// What goes on to the product.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) bytes: Vec<u8>,
    pub(super) hits: Hits,
    pub(super) then: Then,
}

/// The answers of one connection.
#[derive(Debug)]
pub(super) struct Answers {
    at: At,
    /// The switches as they were when the answer began.
    switches: Switches,
    /// Bytes of the answer that have gone on.
    gone: u64,
}

impl Answers {
    pub(super) const fn new() -> Self {
        let switches = Switches::OFF;
        Self { at: At::Head(Vec::new()), switches, gone: 0 }
    }

    /// Takes `bytes` from the replica. Switches hold for answers that begin under them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], switches: &Switches) -> Passed {
        let (hits, then) = (Hits::default(), Then::Open);
        let mut passed = Passed { bytes: Vec::with_capacity(bytes.len()), hits, then };
        while !bytes.is_empty() && passed.then == Then::Open {
            bytes = match &mut self.at {
                At::Head(head) => {
                    if head.is_empty() {
                        (self.switches, self.gone) = (*switches, 0);
                    }
                    self.feed_head(bytes, &mut passed)
                }
                At::Body { .. } => self.feed_body(bytes, &mut passed),
                At::Lost => {
                    passed.bytes.extend_from_slice(bytes);
                    &[]
                }
            };
        }
        passed
    }

    /// Collects a head until it is whole.
    fn feed_head<'a>(&mut self, bytes: &'a [u8], passed: &mut Passed) -> &'a [u8] {
        let At::Head(head) = &mut self.at else { return bytes };
        let before = head.len();
        head.extend_from_slice(bytes);
        match read_head(head) {
            Head::Partial if head.len() < HEAD_MAX => &[],
            Head::Partial | Head::Strange => {
                passed.bytes.append(head);
                self.at = At::Lost;
                &[]
            }
            Head::Whole { end, length } => {
                let mut head = std::mem::take(head);
                head.truncate(end);
                if self.switches.longer > 0
                    && length > 0
                    && let Some(lie) = lengthened(&head, length, self.switches.longer)
                {
                    head = lie;
                    passed.hits.lengthened += 1;
                }
                self.at =
                    if length == 0 { At::Head(Vec::new()) } else { At::Body { come: 0, length } };
                self.pass(&head, passed);
                &bytes[end.saturating_sub(before)..]
            }
        }
    }

    /// Passes on as much as belongs to the body.
    fn feed_body<'a>(&mut self, bytes: &'a [u8], passed: &mut Passed) -> &'a [u8] {
        let At::Body { come, length } = &mut self.at else { return bytes };
        let left = usize::try_from(*length - *come).unwrap_or(usize::MAX);
        let (piece, rest) = bytes.split_at(left.min(bytes.len()));
        let (from, middle) = (*come, *length / 2);
        *come += u64::try_from(piece.len()).unwrap_or(0);
        let is_over = come == length;
        let mut piece = piece.to_vec();
        let place = middle.checked_sub(from).and_then(|place| usize::try_from(place).ok());
        let room = self.room();
        if self.switches.corrupt
            && let Some(byte) =
                place.filter(|place| *place < room).and_then(|place| piece.get_mut(place))
        {
            *byte = !*byte;
            passed.hits.corrupted += 1;
        }
        self.pass(&piece, passed);
        if is_over {
            self.at = At::Head(Vec::new());
            if self.switches.longer > 0 {
                passed.then = Then::Close;
            }
        }
        rest
    }

    /// How many bytes more the cut lets through.
    fn room(&self) -> usize {
        match u64::from(self.switches.cut_after) {
            0 => usize::MAX,
            after => usize::try_from(after.saturating_sub(self.gone)).unwrap_or(usize::MAX),
        }
    }

    /// Passes on what the cut lets through.
    fn pass(&mut self, bytes: &[u8], passed: &mut Passed) {
        let through = &bytes[..self.room().min(bytes.len())];
        passed.bytes.extend_from_slice(through);
        self.gone += u64::try_from(through.len()).unwrap_or(0);
        if through.len() < bytes.len() {
            passed.hits.cut += 1;
            passed.then = Then::Close;
        }
    }
}

/// What was found at the beginning of some bytes.
enum Head {
    /// Not all of a head.
    Partial,
    /// A head.
    Whole {
        /// Its bytes.
        end: usize,
        /// The bytes of the body behind it.
        length: u64,
    },
    /// Nothing that is understood.
    Strange,
}

fn read_head(bytes: &[u8]) -> Head {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let end = match response.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(_) => return Head::Strange,
    };
    // These have no body whatever they say.
    if matches!(response.code, Some(100..200 | 204 | 304)) {
        return Head::Whole { end, length: 0 };
    }
    let said = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let length = said.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    length.map_or(Head::Strange, |length| Head::Whole { end, length })
}

/// The same head, which says that its body is `more` bytes longer.
fn lengthened(head: &[u8], length: u64, more: u32) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lie = String::with_capacity(head.len() + 8);
    for line in head.split_inclusive("\r\n") {
        match line.split_once(':') {
            Some((name, _)) if name.eq_ignore_ascii_case("content-length") => {
                lie.push_str(&format!("{name}: {}\r\n", length.saturating_add(u64::from(more))));
            }
            _ => lie.push_str(line),
        }
    }
    Some(lie.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";

    fn all(pieces: &[&[u8]], switches: Switches) -> Passed {
        let mut answers = Answers::new();
        let mut sum = Passed { bytes: Vec::new(), hits: Hits::default(), then: Then::Open };
        for piece in pieces {
            let mut passed = answers.feed(piece, &switches);
            sum.bytes.append(&mut passed.bytes);
            sum.hits.cut += passed.hits.cut;
            sum.hits.corrupted += passed.hits.corrupted;
            sum.hits.lengthened += passed.hits.lengthened;
            sum.then = passed.then;
            if sum.then == Then::Close {
                break;
            }
        }
        sum
    }

    #[test]
    fn answers_are_cut_after_so_many_bytes_and_shorter_ones_pass() {
        let cut_after = u32::try_from(ANSWER.len() - 2).unwrap();
        let passed = all(&[ANSWER], Switches { cut_after, ..Switches::OFF });
        assert_eq!(passed.bytes, &ANSWER[..ANSWER.len() - 2]);
        assert_eq!((passed.hits.cut, passed.then), (1, Then::Close));
        let in_head = all(&[ANSWER], Switches { cut_after: 9, ..Switches::OFF });
        assert_eq!(in_head.bytes, b"HTTP/1.1 ");
        let cut_after = u32::try_from(ANSWER.len()).unwrap();
        let whole = all(&[ANSWER], Switches { cut_after, ..Switches::OFF });
        assert_eq!((whole.bytes.as_slice(), whole.then), (ANSWER, Then::Open));
    }

    #[test]
    fn the_byte_in_the_middle_of_each_body_is_changed() {
        let two = [ANSWER, ANSWER].concat();
        let passed = all(&[&two], Switches { corrupt: true, ..Switches::OFF });
        let changed = [&ANSWER[..ANSWER.len() - 5], b"he", &[!b'l'], b"lo"].concat();
        assert_eq!(passed.bytes, [changed.as_slice(), &changed].concat());
        assert_eq!((passed.hits.corrupted, passed.then), (2, Then::Open));
    }

    #[test]
    fn a_longer_answer_is_promised_and_the_connection_closed() {
        let passed = all(&[ANSWER], Switches { longer: 7, ..Switches::OFF });
        let text = String::from_utf8(passed.bytes).unwrap();
        assert_eq!(text, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\nhello");
        assert_eq!((passed.hits.lengthened, passed.then), (1, Then::Close));
    }

    #[test]
    fn what_is_no_answer_with_a_length_passes_untouched() {
        let chunked: &[u8] =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let corrupt = Switches { corrupt: true, ..Switches::OFF };
        assert_eq!(all(&[chunked], corrupt).bytes, chunked);
        assert_eq!(all(&[b"PRI * HTTP/2.0\r\n\r\n"], corrupt).bytes, b"PRI * HTTP/2.0\r\n\r\n");
        let informed = [b"HTTP/1.1 100 Continue\r\n\r\n", ANSWER].concat();
        assert_eq!(all(&[&informed], corrupt).hits.corrupted, 1);
    }

    #[test]
    fn switches_hold_for_answers_that_begin_under_them() {
        let mut answers = Answers::new();
        let (head, body) = ANSWER.split_at(ANSWER.len() - 3);
        assert_eq!(answers.feed(head, &Switches::OFF).bytes, head);
        let corrupt = Switches { corrupt: true, ..Switches::OFF };
        assert_eq!(answers.feed(body, &corrupt).hits.corrupted, 0);
        assert_eq!(answers.feed(ANSWER, &corrupt).hits.corrupted, 1);
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_divided_the_same_goes_on(
            sizes in prop::collection::vec(1_usize..40, 1..30),
            cut_after in prop_oneof![Just(0_u32), 1_u32..60],
            corrupt: bool,
            longer in prop_oneof![Just(0_u32), 1_u32..2_000],
        ) {
            let stream = [ANSWER, ANSWER, ANSWER].concat();
            let switches = Switches { cut_after, corrupt, longer, ..Switches::OFF };
            let (mut pieces, mut rest) = (Vec::new(), stream.as_slice());
            for size in sizes {
                let (piece, behind) = rest.split_at(size.min(rest.len()));
                pieces.push(piece);
                rest = behind;
            }
            pieces.push(rest);
            prop_assert_eq!(all(&pieces, switches), all(&[&stream], switches));
        }
    }
}
