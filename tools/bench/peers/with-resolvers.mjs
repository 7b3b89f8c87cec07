/** libp2p 3 needs `Promise.withResolvers`, which Node has from 22 on; on 20 this stands in for it. */
Promise.withResolvers ??= function withResolvers() {
  let resolve
  let reject
  const promise = new this((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
