//! The crate's software vault for channels, except that ephemeral keys given beforehand are used first. With known ephemeral and static keys a handshake
//! made by the crate can be repeated byte for byte.

use crate::peer::lock;
use ockam::vault::{
    AeadSecretKeyHandle, HKDFNumberOfOutputs, HashOutput, HkdfOutput, SecretBufferHandle, SoftwareVaultForSecureChannels, VaultForSecureChannels,
    X25519PublicKey, X25519SecretKey, X25519SecretKeyHandle,
};
use ockam_core::{Result, async_trait};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

pub struct FixedEphemeralVault {
    software: Arc<SoftwareVaultForSecureChannels>,
    next: Mutex<VecDeque<[u8; 32]>>,
}

impl FixedEphemeralVault {
    pub fn new(software: Arc<SoftwareVaultForSecureChannels>) -> Self {
        Self { software, next: Mutex::new(VecDeque::new()) }
    }

    /// The next ephemeral key that is asked for is this one.
    pub fn push(&self, secret: [u8; 32]) {
        lock(&self.next).push_back(secret);
    }
}

#[async_trait]
impl VaultForSecureChannels for FixedEphemeralVault {
    async fn generate_ephemeral_x25519_secret_key(&self) -> Result<X25519SecretKeyHandle> {
        let known = lock(&self.next).pop_front();
        match known {
            Some(secret) => Ok(self.software.import_ephemeral_x25519_secret(X25519SecretKey::new(secret))),
            None => self.software.generate_ephemeral_x25519_secret_key().await,
        }
    }

    async fn x25519_ecdh(&self, secret: &X25519SecretKeyHandle, peer: &X25519PublicKey) -> Result<SecretBufferHandle> {
        self.software.x25519_ecdh(secret, peer).await
    }

    async fn hash(&self, data: &[u8]) -> Result<HashOutput> {
        self.software.hash(data).await
    }

    async fn hkdf(&self, salt: &SecretBufferHandle, ikm: Option<&SecretBufferHandle>, outputs: HKDFNumberOfOutputs) -> Result<HkdfOutput> {
        self.software.hkdf(salt, ikm, outputs).await
    }

    async fn aead_encrypt(&self, key: &AeadSecretKeyHandle, plain_text: &mut [u8], nonce: &[u8], aad: &[u8]) -> Result<()> {
        self.software.aead_encrypt(key, plain_text, nonce, aad).await
    }

    async fn aead_decrypt<'a>(&self, key: &AeadSecretKeyHandle, cipher_text: &'a mut [u8], nonce: &[u8], aad: &[u8]) -> Result<&'a mut [u8]> {
        self.software.aead_decrypt(key, cipher_text, nonce, aad).await
    }

    async fn persist_aead_key(&self, key: &AeadSecretKeyHandle) -> Result<()> {
        self.software.persist_aead_key(key).await
    }

    async fn load_aead_key(&self, key: &AeadSecretKeyHandle) -> Result<()> {
        self.software.load_aead_key(key).await
    }

    async fn generate_static_x25519_secret_key(&self) -> Result<X25519SecretKeyHandle> {
        self.software.generate_static_x25519_secret_key().await
    }

    async fn delete_static_x25519_secret_key(&self, key: X25519SecretKeyHandle) -> Result<bool> {
        self.software.delete_static_x25519_secret_key(key).await
    }

    async fn delete_ephemeral_x25519_secret_key(&self, key: X25519SecretKeyHandle) -> Result<bool> {
        self.software.delete_ephemeral_x25519_secret_key(key).await
    }

    async fn get_x25519_public_key(&self, key: &X25519SecretKeyHandle) -> Result<X25519PublicKey> {
        self.software.get_x25519_public_key(key).await
    }

    async fn get_x25519_secret_key_handle(&self, public_key: &X25519PublicKey) -> Result<X25519SecretKeyHandle> {
        self.software.get_x25519_secret_key_handle(public_key).await
    }

    async fn import_secret_buffer(&self, buffer: Vec<u8>) -> Result<SecretBufferHandle> {
        self.software.import_secret_buffer(buffer).await
    }

    async fn delete_secret_buffer(&self, buffer: SecretBufferHandle) -> Result<bool> {
        self.software.delete_secret_buffer(buffer).await
    }

    async fn convert_secret_buffer_to_aead_key(&self, buffer: SecretBufferHandle) -> Result<AeadSecretKeyHandle> {
        self.software.convert_secret_buffer_to_aead_key(buffer).await
    }

    async fn delete_aead_secret_key(&self, key: AeadSecretKeyHandle) -> Result<bool> {
        self.software.delete_aead_secret_key(key).await
    }
}
