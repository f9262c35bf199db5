//! How users ask for the mechanisms that keep calls out before anything is sent, for presets, and
//! for a mode of the whole policy. The other options are in `builder.rs`.

use std::sync::Arc;

use seawall_core::Mode;
use seawall_core::concurrency::LimitSettings;
use seawall_core::outcome::{OptIns, Override};
use seawall_core::shed::ShedSettings;
use seawall_core::throttle::ThrottleSettings;
use seawall_core::timeout::{OperationClass, OperationKind};

use crate::{AdaptiveTimeout, PolicyBuilder, RateLimit};

impl<S> PolicyBuilder<S> {
    /// Bounds the rate of calls and refuses the rest, before anything else is asked:
    /// `.rate_limit(RateLimit::per_second(100).burst(20))`. Default: none, since only who knows
    /// the dependency knows its rate.
    pub fn rate_limit(mut self, limit: impl Into<RateLimit>) -> Self {
        self.plan.rate = Some(limit.into());
        self
    }

    /// Sheds the less important calls ([`Call::priority`](crate::Call::priority)) while calls wait
    /// too long for a permit. It goes by the waits in the queue of the
    /// [`bulkhead`](Self::bulkhead), and without that it would never act. Default: none.
    pub fn shed(mut self, settings: ShedSettings) -> Self {
        self.plan.shed = Some(settings);
        self
    }

    /// Does not send what the dependency would refuse: attempts are held back in proportion to
    /// what it has throttled of late ([`Outcome::throttled`](crate::Outcome::throttled)), the less
    /// important ones first. Default: none.
    pub fn throttle(mut self, settings: ThrottleSettings) -> Self {
        self.plan.throttle = Some(settings);
        self
    }

    /// Finds out how many attempts at once the dependency can take, and allows no more. With a
    /// [`bulkhead`](Self::bulkhead) it stays within its permits, and the excess waits in its queue;
    /// without one the excess is refused. Default: none.
    pub fn concurrency(mut self, settings: LimitSettings) -> Self {
        self.plan.concurrency = Some(settings);
        self
    }

    /// Lets the attempt timeout follow the latency, below the fixed one:
    /// `.adaptive_timeout(AdaptiveTimeout::new())`. Default: none.
    pub fn adaptive_timeout(mut self, timeout: impl Into<AdaptiveTimeout>) -> Self {
        self.plan.adaptive = Some(timeout.into());
        self
    }

    /// Takes deadlines from who waits for the calls: interactive 2 s with 600 ms an attempt and
    /// hedges where safe, standard 10 s and 3 s, batch 60 s and 18 s, stream without a total and
    /// 5 s. Deadlines that are given by themselves win. Hedges are refused for batch and stream.
    pub fn class(mut self, class: OperationClass) -> Self {
        self.plan.class = Some(class);
        self
    }

    /// Takes deadlines and retries from what is called: a cache 50 ms and one attempt, a query 3 s
    /// and three attempts, and so on ([`OperationKind`]). What is given by itself wins. Retries
    /// need calls that may be repeated, as ever.
    pub fn kind(mut self, kind: OperationKind) -> Self {
        self.plan.kind = Some(kind);
        self
    }

    /// The zone that this program runs in, by the name that endpoints of it have
    /// ([`EndpointSettings::zone`](crate::EndpointSettings::zone)): calls stay in it as far as that
    /// overloads nobody. Default: zones do not matter.
    pub fn own_zone(mut self, zone: impl Into<Arc<str>>) -> Self {
        self.plan.own_zone = Some(zone.into());
        self
    }

    /// Judges single HTTP and gRPC statuses otherwise than the table of the core does. They matter
    /// to classifiers that hand statuses on (`Http`), not to those that judge themselves. At
    /// most 64, each status once. Default: none.
    pub fn overrides(mut self, rows: impl IntoIterator<Item = Override>) -> Self {
        self.plan.overrides = rows.into_iter().collect();
        self
    }

    /// Retries what is retried only where somebody asked for it: a plain 500, an aborted
    /// transaction, lost data. For classifiers that hand statuses on, like
    /// [`overrides`](Self::overrides). Default: none of them.
    pub fn opt_ins(mut self, opt_ins: OptIns) -> Self {
        self.plan.opt_ins = opt_ins;
        self
    }

    /// A mode for every mechanism that has one: rate limit, shedding, throttle, adaptive limit,
    /// adaptive timeout, breakers, hedges and outlier detector. [`Mode::Shadow`] shows in events
    /// what the policy would do; [`Mode::Off`] switches them off. The weaker of this and a
    /// mechanism's own mode holds. Deadlines, retries, the bulkhead and the choice of endpoints
    /// have no mode and stay. Default enforce.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.plan.mode = mode;
        self
    }
}
