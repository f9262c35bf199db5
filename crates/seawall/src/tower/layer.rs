//! The layer: a policy, and how requests are copied, before there is a service.

use tower_layer::Layer;

use super::PolicyService;
use super::replay::{Cloned, Once};
use crate::call::{Fallback, NoFallback};
use crate::{AnyResult, Policy, Why};

/// Puts a [`Policy`] around a service. From [`Policy::layer`].
///
/// All services that it makes, and their clones, share the policy and what it learns.
///
/// `R` copies requests ([`Replay`](super::Replay)): by default they must be `Clone`, and are cloned
/// only while another attempt may follow. `L` is what stands in when all has failed.
#[derive(Clone, Debug)]
pub struct PolicyLayer<C = AnyResult, R = Cloned, L = NoFallback> {
    policy: Policy<C>,
    replay: R,
    ladder: L,
}

impl<C: Clone> Policy<C> {
    /// The policy as a Tower layer. Any number of layers and direct calls share one policy.
    ///
    /// ```
    /// use seawall::{Policy, Retry};
    /// use tower::{Service, ServiceBuilder, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = Policy::builder().retry(Retry::attempts(3)).idempotent().build()?;
    /// let mut users = ServiceBuilder::new()
    ///     .layer(policy.layer())
    ///     .service_fn(|id: u64| async move { Ok::<_, std::io::Error>(format!("user {id}")) });
    ///
    /// assert_eq!(users.ready().await?.call(7).await?, "user 7");
    /// # Ok(())
    /// # }
    /// ```
    pub fn layer(&self) -> PolicyLayer<C> {
        PolicyLayer { policy: self.clone(), replay: Cloned, ladder: NoFallback::new() }
    }
}

impl<C, R, L> PolicyLayer<C, R, L> {
    /// Copies requests by `replay` instead of by `Clone`: a [`Replay`](super::Replay), or a closure
    /// `Fn(&Request) -> Option<Request>`, which says `None` of a request that can be sent but once.
    pub fn replay<K>(self, replay: K) -> PolicyLayer<C, K, L> {
        let Self { policy, ladder, .. } = self;
        PolicyLayer { policy, replay, ladder }
    }

    /// Sends every request once: no retries, no hedges, no copies. For requests that cannot be
    /// copied, such as those with a streamed body.
    pub fn once(self) -> PolicyLayer<C, Once, L> {
        self.replay(Once)
    }

    /// Answers by `substitute` when no attempt brings a good response; see
    /// [`Call::fallback`](crate::Call). Responses then come as an [`Answer`](crate::Answer), which
    /// tells a substitute from the real thing; `ServiceExt::map_response` makes them alike again.
    pub fn fallback<F, T, E>(self, substitute: F) -> PolicyLayer<C, R, Fallback<F>>
    where
        F: FnOnce(Why<'_, E>) -> Option<T> + Clone,
    {
        let Self { policy, replay, .. } = self;
        PolicyLayer { policy, replay, ladder: Fallback::new(substitute) }
    }
}

impl<S, C: Clone, R: Clone, L: Clone> Layer<S> for PolicyLayer<C, R, L> {
    type Service = PolicyService<S, C, R, L>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { policy, replay, ladder } = self.clone();
        PolicyService { inner, policy, replay, ladder }
    }
}
