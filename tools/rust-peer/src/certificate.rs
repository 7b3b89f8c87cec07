//! The certificate of an inlet with TLS, as the crate asks for it: anew for every client that connects.

use crate::failure::Failure;
use crate::output;
use crate::request::Request;
use ockam::Context;
use ockam_core::errcode::{Kind, Origin};
use ockam_core::{Error, Result, async_trait};
use ockam_transport_tcp::{TlsCertificate, TlsCertificateProvider};
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub struct GivenCertificate {
    certificate: TlsCertificate,
    /// How often it is refused before it is given.
    refusals: AtomicU64,
}

impl GivenCertificate {
    /// `certificate` and `key` in PEM; none without.
    pub fn of(request: &Request) -> std::result::Result<Option<Arc<Self>>, Failure> {
        let text = request.text_or("certificate", "")?;
        if text.is_empty() {
            return Ok(None);
        }
        let certificate = TlsCertificate { full_chain_pem: text.into(), private_key_pem: request.text("key")?.into() };
        let refusals = AtomicU64::new(request.optional_number("refusals")?.unwrap_or(0));
        Ok(Some(Arc::new(Self { certificate, refusals })))
    }
}

impl fmt::Display for GivenCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("given")
    }
}

#[async_trait]
impl TlsCertificateProvider for GivenCertificate {
    async fn get_certificate(&self, _context: &Context) -> Result<TlsCertificate> {
        let is_refused = self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        output::event("certificate-asked", json!({ "given": !is_refused }));
        if is_refused { Err(Error::new(Origin::Transport, Kind::NotFound, "there is no certificate yet")) } else { Ok(self.certificate.clone()) }
    }
}
