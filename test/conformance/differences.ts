/** Where the local runtime differs from AWS on purpose, by item of the behaviour sheet, with the reason. */
export const differences: Readonly<Record<string, string>> = {
  W29: 'Plain HTTP and WebSocket on loopback: TLS would need a certificate that every browser has to be told to trust.',
  W79: 'Request models are not emulated; a route or resource that asks for one is refused by name before anything starts.',
  W80: 'As W79.',
  W83: 'Content handling is not emulated; an integration that asks for it is refused by name before anything starts.',
  M6: 'Keys that this run gave out are checked as on AWS. Any other key is the local developer: there is nothing to check it against.',
  I1: 'MQTT 5 is refused (CONNACK 1): the broker speaks 3.1.1. QoS 2 gets no answer, as documented.',
  I21: 'Plain MQTT on loopback instead of TLS with client certificates; the user name names the thing.',
  K1: 'Shard rates are emulated and off when the system runs: one shard on one machine would only get in the way.',
  K11: 'Shards are read as soon as records arrive instead of once a second, so that a screen on one machine feels live.',
}
