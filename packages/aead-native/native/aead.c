/*
 * AES-256-GCM and ChaCha20-Poly1305 in place, by the OpenSSL that is inside the node binary (openssl.h). No cryptography of our own: the nonces of Noise
 * section 12, ranges, and how keys live and die.
 *
 * A key is one EVP context with the expanded key in it. A message sets the nonce and the direction, nothing else; nothing is allocated for it. One
 * context serves both directions, because both modes use their block function forwards only; the JavaScript side sees for itself before the first use.
 *
 * Every offset and length is compared here with the array as it is at this moment, whatever JavaScript has checked before. Nothing is called between that
 * comparison and the end of the work that could run JavaScript, so no array can be detached or shrunk in between. Nothing here throws: what goes wrong
 * is a number from `enum outcome`, and JavaScript makes the error of it.
 */
#define NAPI_VERSION 8
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif

#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "openssl.h"

enum { KEY_LENGTH = 32, NONCE_LENGTH = 12, TAG_LENGTH = 16 };
/* Numbers of a job in the array of a batch: outAt, inAt, length. */
enum { JOB_LENGTH = 3 };
/* The largest part of a message that one call to OpenSSL gets, which takes lengths as int. A multiple of all block sizes. */
enum { LONGEST_UPDATE = 1 << 20 };
/* What one key weighs outside of the JavaScript heap, about: the collector is told. */
enum { KEY_WEIGHT = 1536 };
/* 2^53 - 1. */
#define MAX_SAFE_INTEGER 9007199254740991.0

/* As in src/addon.ts. */
enum outcome { DONE = 0, FORGED = 1, OUT_OF_RANGE = 2, DESTROYED = 3, FAILED = 4 };

enum algorithm { AES_256_GCM = 0, CHACHA20_POLY1305 = 1, ALGORITHMS = 2 };
static const char *const algorithm_names[ALGORITHMS] = {"AES-256-GCM", "ChaCha20-Poly1305"};

/* One for each environment (main thread, worker): nothing is shared between threads. Lives until the environment and its last key are gone. */
struct library {
  struct openssl openssl;
  EVP_CIPHER *ciphers[ALGORITHMS];
  size_t users;
};

struct key {
  struct library *library;
  /* NULL: destroyed. */
  EVP_CIPHER_CTX *context;
  enum algorithm algorithm;
};

struct bytes {
  uint8_t *data;
  size_t length;
};

static void library_release(struct library *library) {
  if (--library->users > 0) return;
  for (int i = 0; i < ALGORITHMS; i++)
    if (library->ciphers[i] != NULL) library->openssl.release(library->ciphers[i]);
  free(library);
}

/* ---- Cryptography: ranges have been checked ---- */

static void write_counter(uint8_t nonce[NONCE_LENGTH], enum algorithm algorithm, uint64_t counter) {
  memset(nonce, 0, 4);
  for (int i = 0; i < 8; i++) {
    const int shift = algorithm == AES_256_GCM ? 56 - 8 * i : 8 * i;
    nonce[4 + i] = (uint8_t)(counter >> shift);
  }
}

/* Texts with `out`, additional data without. */
static bool update(const struct key *key, uint8_t *out, const uint8_t *in, size_t length) {
  for (size_t at = 0; at < length;) {
    const size_t rest = length - at;
    const int part = rest < LONGEST_UPDATE ? (int)rest : LONGEST_UPDATE;
    int written = 0;
    if (key->library->openssl.update(key->context, out == NULL ? NULL : out + at, &written, in + at, part) != 1 || written != part)
      return false;
    at += (size_t)part;
  }
  return true;
}

static bool overlaps(const uint8_t *a, const uint8_t *b, size_t length) {
  const uintptr_t first = (uintptr_t)a, second = (uintptr_t)b;
  return first < second ? second - first < length : first - second < length;
}

/* OpenSSL takes texts in place or apart: what overlaps otherwise is moved first, and then done in place. */
static const uint8_t *settle(uint8_t *out, const uint8_t *in, size_t length) {
  if (out == in || !overlaps(out, in, length)) return in;
  memmove(out, in, length);
  return out;
}

/* What a failure left in the queue of this thread must not be taken for one of node's own. */
static enum outcome failed(const struct key *key, uint8_t *out, size_t length, enum outcome outcome) {
  if (length > 0) memset(out, 0, length);
  key->library->openssl.clear_errors();
  return outcome;
}

/* Writes `length + TAG_LENGTH` bytes. */
static enum outcome seal_message(const struct key *key, uint8_t *out, const uint8_t *in, size_t length, const uint8_t nonce[NONCE_LENGTH],
                                 struct bytes aad) {
  const struct openssl *openssl = &key->library->openssl;
  uint8_t rest[TAG_LENGTH];
  int written = 0;
  if (openssl->init(key->context, NULL, NULL, nonce, 1, NULL) == 1 && update(key, NULL, aad.data, aad.length) &&
      update(key, out, settle(out, in, length), length) && openssl->final(key->context, rest, &written) == 1 && written == 0 &&
      openssl->control(key->context, OPENSSL_GET_TAG, TAG_LENGTH, out + length) == 1)
    return DONE;
  return failed(key, out, length + TAG_LENGTH, FAILED);
}

/* Reads `length + TAG_LENGTH` bytes and writes `length`; zeros unless the tag is right. */
static enum outcome open_message(const struct key *key, uint8_t *out, const uint8_t *in, size_t length, const uint8_t nonce[NONCE_LENGTH],
                                 struct bytes aad) {
  const struct openssl *openssl = &key->library->openssl;
  /* The output may reach over it. */
  uint8_t tag[TAG_LENGTH];
  uint8_t rest[TAG_LENGTH];
  int written = 0;
  memcpy(tag, in + length, TAG_LENGTH);
  if (openssl->init(key->context, NULL, NULL, nonce, 0, NULL) != 1 ||
      openssl->control(key->context, OPENSSL_SET_TAG, TAG_LENGTH, tag) != 1 || !update(key, NULL, aad.data, aad.length) ||
      !update(key, out, settle(out, in, length), length))
    return failed(key, out, length, FAILED);
  if (openssl->final(key->context, rest, &written) != 1 || written != 0) return failed(key, out, length, FORGED);
  return DONE;
}

/* ---- Values from JavaScript ---- */

/* A safe integer from 0 on. */
static bool to_integer(napi_env env, napi_value value, uint64_t *integer) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return false;
  if (!(number >= 0 && number <= MAX_SAFE_INTEGER)) return false;
  *integer = (uint64_t)number;
  return (double)*integer == number;
}

static bool to_size(napi_env env, napi_value value, size_t *size) {
  uint64_t integer;
  if (!to_integer(env, value, &integer) || integer > SIZE_MAX) return false;
  *size = (size_t)integer;
  return true;
}

/* A detached array, and one whose memory shrank away under it, has no length. */
static bool to_array(napi_env env, napi_value value, napi_typedarray_type wanted, void **data, size_t *length) {
  napi_typedarray_type type;
  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array) return false;
  if (napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) != napi_ok || type != wanted) return false;
  if (*data == NULL) *length = 0;
  return true;
}

static bool to_bytes(napi_env env, napi_value value, struct bytes *bytes) {
  void *data = NULL;
  if (!to_array(env, value, napi_uint8_array, &data, &bytes->length)) return false;
  bytes->data = data;
  return true;
}

static bool fits(struct bytes bytes, size_t at, size_t length) {
  return at <= bytes.length && length <= bytes.length - at;
}

/* NULL when the value is not a key of this addon. */
static struct key *to_key(napi_env env, napi_value value) {
  void *pointer = NULL;
  return napi_get_value_external(env, value, &pointer) == napi_ok ? pointer : NULL;
}

static napi_value from_outcome(napi_env env, enum outcome outcome) {
  napi_value value = NULL;
  napi_create_int32(env, (int32_t)outcome, &value);
  return value;
}

/* ---- Keys ---- */

static void key_wipe(napi_env env, struct key *key) {
  if (key->context == NULL) return;
  int64_t weight;
  /* OpenSSL wipes what is in it. */
  key->library->openssl.context_free(key->context);
  key->context = NULL;
  napi_adjust_external_memory(env, -KEY_WEIGHT, &weight);
}

static void key_finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  struct key *key = data;
  key_wipe(env, key);
  library_release(key->library);
  free(key);
}

/* NULL (undefined to JavaScript) when there is no such algorithm or no memory. */
static napi_value key_create(napi_env env, struct library *library, enum algorithm algorithm, const uint8_t secret[KEY_LENGTH]) {
  if (library->ciphers[algorithm] == NULL) return NULL;
  struct key *key = malloc(sizeof *key);
  if (key == NULL) return NULL;
  key->library = library;
  key->algorithm = algorithm;
  key->context = library->openssl.context_new();
  napi_value value = NULL;
  if (key->context != NULL && library->openssl.init(key->context, library->ciphers[algorithm], secret, NULL, 1, NULL) == 1 &&
      napi_create_external(env, key, key_finalize, NULL, &value) == napi_ok) {
    int64_t weight;
    library->users++;
    napi_adjust_external_memory(env, KEY_WEIGHT, &weight);
    return value;
  }
  library->openssl.clear_errors();
  library->openssl.context_free(key->context);
  free(key);
  return NULL;
}

/* create(secret, algorithm) -> key | undefined */
static napi_value js_create(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value values[2];
  void *library = NULL;
  struct bytes secret;
  size_t algorithm;
  if (napi_get_cb_info(env, info, &count, values, NULL, &library) != napi_ok || count < 2) return NULL;
  if (!to_bytes(env, values[0], &secret) || secret.length != KEY_LENGTH) return NULL;
  if (!to_size(env, values[1], &algorithm) || algorithm >= ALGORITHMS) return NULL;
  return key_create(env, library, (enum algorithm)algorithm, secret.data);
}

/* rekey(key) -> key | undefined. Noise section 4.2: 32 bytes of zeros sealed with nonce 2^64 - 1, the first 32 bytes of that. */
static napi_value js_rekey(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value values[1];
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count < 1) return NULL;
  const struct key *key = to_key(env, values[0]);
  if (key == NULL || key->context == NULL) return NULL;
  uint8_t sealed[KEY_LENGTH + TAG_LENGTH] = {0};
  uint8_t nonce[NONCE_LENGTH];
  const struct bytes none = {NULL, 0};
  write_counter(nonce, key->algorithm, UINT64_MAX);
  napi_value next = NULL;
  if (seal_message(key, sealed, sealed, KEY_LENGTH, nonce, none) == DONE) next = key_create(env, key->library, key->algorithm, sealed);
  key->library->openssl.cleanse(sealed, sizeof sealed);
  return next;
}

/* destroy(key) */
static napi_value js_destroy(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value values[1];
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count < 1) return NULL;
  struct key *key = to_key(env, values[0]);
  if (key != NULL) key_wipe(env, key);
  return NULL;
}

/* ---- Messages ---- */

typedef enum outcome operation(const struct key *key, uint8_t *out, const uint8_t *in, size_t length, const uint8_t nonce[NONCE_LENGTH],
                               struct bytes aad);

/* (key, out, outAt, inAt, length, nonce[, input[, aad]]) -> outcome. Without `input` it is `out`. `length` is that of the input. */
static napi_value one(napi_env env, napi_callback_info info, operation *run, size_t tag_in, size_t tag_out) {
  size_t count = 8;
  napi_value values[8];
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count < 6) return from_outcome(env, OUT_OF_RANGE);
  const struct key *key = to_key(env, values[0]);
  if (key == NULL || key->context == NULL) return from_outcome(env, DESTROYED);
  struct bytes out, in, aad = {NULL, 0};
  size_t out_at, in_at, length;
  uint64_t counter;
  if (!to_bytes(env, values[1], &out) || !to_size(env, values[2], &out_at) || !to_size(env, values[3], &in_at) ||
      !to_size(env, values[4], &length) || !to_integer(env, values[5], &counter))
    return from_outcome(env, OUT_OF_RANGE);
  in = out;
  if (count > 6 && !to_bytes(env, values[6], &in)) return from_outcome(env, OUT_OF_RANGE);
  if (count > 7 && !to_bytes(env, values[7], &aad)) return from_outcome(env, OUT_OF_RANGE);
  if (length < tag_in || !fits(in, in_at, length)) return from_outcome(env, OUT_OF_RANGE);
  length -= tag_in;
  if (!fits(out, out_at, length) || !fits(out, out_at + length, tag_out)) return from_outcome(env, OUT_OF_RANGE);
  uint8_t nonce[NONCE_LENGTH];
  write_counter(nonce, key->algorithm, counter);
  return from_outcome(env, run(key, out.data + out_at, in.data + in_at, length, nonce, aad));
}

static napi_value js_seal(napi_env env, napi_callback_info info) {
  return one(env, info, seal_message, 0, TAG_LENGTH);
}

static napi_value js_open(napi_env env, napi_callback_info info) {
  return one(env, info, open_message, TAG_LENGTH, 0);
}

struct job {
  size_t out_at, in_at;
  /* Of the text, without the tag. */
  size_t length;
  /* Too short for a tag. */
  bool is_short;
};

/* False when its ranges are not inside of the slab. */
static bool to_job(const double numbers[JOB_LENGTH], struct bytes slab, size_t tag_in, size_t tag_out, struct job *job) {
  size_t sizes[JOB_LENGTH];
  for (int i = 0; i < JOB_LENGTH; i++) {
    if (!(numbers[i] >= 0 && numbers[i] <= (double)slab.length)) return false;
    sizes[i] = (size_t)numbers[i];
    if ((double)sizes[i] != numbers[i]) return false;
  }
  job->out_at = sizes[0];
  job->in_at = sizes[1];
  job->is_short = sizes[2] < tag_in;
  job->length = job->is_short ? 0 : sizes[2] - tag_in;
  return fits(slab, job->in_at, sizes[2]) && fits(slab, job->out_at, job->length) && fits(slab, job->out_at + job->length, tag_out);
}

/*
 * (key, slab, jobs, count, firstNonce) -> outcome. `jobs` is a Float64Array with JOB_LENGTH numbers for each of `count` jobs. The outcome of the batch as
 * a whole is DONE, unless nothing was done or OpenSSL failed; that of each message stands where its length stood. Messages too short for a tag are forged.
 */
static napi_value many(napi_env env, napi_callback_info info, operation *run, size_t tag_in, size_t tag_out) {
  size_t count = 5;
  napi_value values[5];
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count < 5) return from_outcome(env, OUT_OF_RANGE);
  const struct key *key = to_key(env, values[0]);
  if (key == NULL || key->context == NULL) return from_outcome(env, DESTROYED);
  struct bytes slab;
  void *numbers = NULL;
  size_t numbers_length, job_count;
  uint64_t first;
  if (!to_bytes(env, values[1], &slab) || !to_array(env, values[2], napi_float64_array, &numbers, &numbers_length) ||
      !to_size(env, values[3], &job_count) || !to_integer(env, values[4], &first))
    return from_outcome(env, OUT_OF_RANGE);
  if (job_count > numbers_length / JOB_LENGTH) return from_outcome(env, OUT_OF_RANGE);
  if (job_count > 1 && job_count - 1 > (uint64_t)MAX_SAFE_INTEGER - first) return from_outcome(env, OUT_OF_RANGE);
  double *jobs = numbers;
  struct job job;
  for (size_t i = 0; i < job_count; i++)
    if (!to_job(jobs + i * JOB_LENGTH, slab, tag_in, tag_out, &job)) return from_outcome(env, OUT_OF_RANGE);
  const struct bytes none = {NULL, 0};
  for (size_t i = 0; i < job_count; i++) {
    if (!to_job(jobs + i * JOB_LENGTH, slab, tag_in, tag_out, &job)) return from_outcome(env, OUT_OF_RANGE);
    enum outcome outcome = FORGED;
    if (!job.is_short) {
      uint8_t nonce[NONCE_LENGTH];
      write_counter(nonce, key->algorithm, first + i);
      outcome = run(key, slab.data + job.out_at, slab.data + job.in_at, job.length, nonce, none);
      if (outcome == FAILED) return from_outcome(env, FAILED);
    }
    jobs[i * JOB_LENGTH + 2] = outcome;
  }
  return from_outcome(env, DONE);
}

static napi_value js_seal_many(napi_env env, napi_callback_info info) {
  return many(env, info, seal_message, 0, TAG_LENGTH);
}

static napi_value js_open_many(napi_env env, napi_callback_info info) {
  return many(env, info, open_message, TAG_LENGTH, 0);
}

/* (key, buffer, nonce, aad, isSealing) -> outcome: for test vectors, whose nonces are no counters. The buffer is a text and its tag, in place. */
static napi_value js_with_nonce(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value values[5];
  struct bytes buffer, nonce, aad;
  bool is_sealing;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count < 5) return from_outcome(env, OUT_OF_RANGE);
  const struct key *key = to_key(env, values[0]);
  if (key == NULL || key->context == NULL) return from_outcome(env, DESTROYED);
  if (!to_bytes(env, values[1], &buffer) || buffer.length < TAG_LENGTH || !to_bytes(env, values[2], &nonce) ||
      nonce.length != NONCE_LENGTH || !to_bytes(env, values[3], &aad) || napi_get_value_bool(env, values[4], &is_sealing) != napi_ok)
    return from_outcome(env, OUT_OF_RANGE);
  operation *run = is_sealing ? seal_message : open_message;
  return from_outcome(env, run(key, buffer.data, buffer.data, buffer.length - TAG_LENGTH, nonce.data, aad));
}

/* ---- The module ---- */

static void library_finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  library_release(data);
}

static bool add_function(napi_env env, napi_value exports, const char *name, napi_callback callback, struct library *library) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, library, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

static bool add_text(napi_env env, napi_value exports, const char *name, const char *text) {
  napi_value value;
  return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}

/* With `missing` alone where this process lacks something; else with `openssl`, its version, and the functions. */
NAPI_MODULE_INIT() {
  struct library *library = calloc(1, sizeof *library);
  if (library == NULL) {
    napi_throw_error(env, NULL, "There is no memory for the addon.");
    return NULL;
  }
  library->users = 1;
  const char *missing = openssl_find(&library->openssl);
  if (missing != NULL) {
    free(library);
    add_text(env, exports, "missing", missing);
    return exports;
  }
  for (int i = 0; i < ALGORITHMS; i++) library->ciphers[i] = library->openssl.fetch(NULL, algorithm_names[i], NULL);
  library->openssl.clear_errors();
  if (napi_set_instance_data(env, library, library_finalize, NULL) != napi_ok) {
    library_release(library);
    napi_throw_error(env, NULL, "The addon cannot keep its data.");
    return NULL;
  }
  const bool is_whole = add_text(env, exports, "openssl", library->openssl.version(OPENSSL_VERSION_TEXT_OF)) &&
                        add_function(env, exports, "create", js_create, library) && add_function(env, exports, "rekey", js_rekey, library) &&
                        add_function(env, exports, "destroy", js_destroy, library) && add_function(env, exports, "seal", js_seal, library) &&
                        add_function(env, exports, "open", js_open, library) &&
                        add_function(env, exports, "sealMany", js_seal_many, library) &&
                        add_function(env, exports, "openMany", js_open_many, library) &&
                        add_function(env, exports, "withNonce", js_with_nonce, library);
  if (!is_whole) napi_throw_error(env, NULL, "The addon cannot export its functions.");
  return exports;
}
