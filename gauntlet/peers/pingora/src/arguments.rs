//! What the program is told.
//!
//! Here: reading it. What each setting does is said where it is used.

use std::time::Duration;

/// The replicas behind one prefix of paths.
pub struct Route {
    pub prefix: String,
    pub endpoints: Vec<String>,
}

/// All of the command line.
pub struct Arguments {
    pub listen: String,
    /// The longest prefix comes first.
    pub routes: Vec<Route>,
    /// Whether the options of the guide are set, beyond what works by itself.
    pub tuned: bool,
    /// By when a call must have ended; Pingora knows none, so attempts are cut to it.
    pub deadline: Option<Duration>,
    /// The path of active health checks; none without it.
    pub check: Option<String>,
    /// Whether replicas are spoken to in HTTP/2.
    pub h2: bool,
    pub upgrade: bool,
    pub upgrade_socket: String,
    /// Whether only the arguments are to be checked.
    pub test: bool,
}

impl Arguments {
    /// Reads them, or says which is wrong.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self {
            listen: String::new(),
            routes: vec![Route { prefix: "/".to_owned(), endpoints: Vec::new() }],
            tuned: false,
            deadline: None,
            check: None,
            h2: false,
            upgrade: false,
            upgrade_socket: String::new(),
            test: false,
        };
        while let Some(word) = words.next() {
            read.take(&word, &mut words)?;
        }
        read.routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        let empty = read.routes.iter().find(|route| route.endpoints.is_empty());
        match empty {
            Some(route) => Err(format!("no --endpoint for {}", route.prefix)),
            None if read.listen.is_empty() => Err("no --listen".to_owned()),
            None => Ok(read),
        }
    }

    fn take(&mut self, word: &str, words: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word {
            "--listen" => self.listen = value()?,
            "--endpoint" => self.endpoint(value()?),
            // Endpoints after it belong to this prefix.
            "--route" => self.routes.push(Route { prefix: value()?, endpoints: Vec::new() }),
            "--deadline-ms" => {
                let millis = value()?.parse().map_err(|_| "--deadline-ms wants a number")?;
                self.deadline = Some(Duration::from_millis(millis));
            }
            "--check" => self.check = Some(value()?),
            "--upgrade-socket" => self.upgrade_socket = value()?,
            "--tuned" => self.tuned = true,
            "--h2" => self.h2 = true,
            "--upgrade" => self.upgrade = true,
            "--test" => self.test = true,
            _ => return Err(format!("unknown argument {word}")),
        }
        Ok(())
    }

    fn endpoint(&mut self, address: String) {
        if let Some(route) = self.routes.last_mut() {
            route.endpoints.push(address);
        }
    }
}
