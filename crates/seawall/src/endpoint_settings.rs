//! Settings of one endpoint, as a policy is given them.

use std::borrow::Cow;
use std::sync::Arc;

use seawall_core::balance::EndpointInfo;

/// One endpoint: its name, and what balancing should know of it. A name alone will do.
///
/// ```
/// use seawall::{EndpointSettings, Policy};
///
/// let policy = Policy::builder()
///     .endpoints([
///         EndpointSettings::new("10.0.0.1").weight(3).zone("a"),
///         EndpointSettings::new("10.0.1.1").zone("b"),
///         EndpointSettings::new("stand-by").level(1),
///     ])
///     .build()?;
/// # Ok::<(), seawall::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an endpoint does nothing until a policy is given it"]
pub struct EndpointSettings {
    pub(crate) name: Arc<str>,
    pub(crate) info: EndpointInfo,
    pub(crate) zone: Option<Arc<str>>,
}

impl EndpointSettings {
    /// An endpoint of weight 1 on the first level, in no zone that is known.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), info: EndpointInfo::default(), zone: None }
    }

    /// Its share of attempts relative to the others, 0 to 65,535. Default 1; with 0 it is never
    /// chosen.
    pub fn weight(mut self, weight: u32) -> Self {
        self.info.weight = weight;
        self
    }

    /// Its priority level, 0 (first, the default) to 7: later levels are used as far as the
    /// endpoints of earlier ones fail.
    pub fn level(mut self, level: u8) -> Self {
        self.info.level = level;
        self
    }

    /// The zone that it stands in; at most 8 in all. It matters once the policy says where it
    /// stands itself: [`PolicyBuilder::own_zone`](crate::PolicyBuilder::own_zone).
    pub fn zone(mut self, zone: impl Into<Arc<str>>) -> Self {
        self.zone = Some(zone.into());
        self
    }
}

/// Names are endpoints, whatever they are kept in. One `impl` for each, since one for everything
/// that turns into `Arc<str>` would cover the type itself.
macro_rules! from_names {
    ($($name:ty),+) => {
        $(impl From<$name> for EndpointSettings {
            fn from(name: $name) -> Self {
                Self::new(name)
            }
        })+
    };
}

from_names!(&str, String, Arc<str>, Box<str>, Cow<'_, str>);

impl From<&String> for EndpointSettings {
    fn from(name: &String) -> Self {
        Self::new(name.as_str())
    }
}
