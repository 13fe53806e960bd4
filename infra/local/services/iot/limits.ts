/** IoT Core's quotas (IOT-2–IOT-7). */
export const limits = {
  payloadBytes: 128 * 1024,
  topicBytes: 256,
  topicSlashes: 7,
  clientIdBytes: 128,
  filtersPerSubscribe: 8,
  subscriptionsPerConnection: 50,
  publishesPerSecond: 100,
  publishBytesPerSecond: 512 * 1024,
  connectsPerSecondPerClientId: 1,
  connectsPerSecond: 500,
  keepAliveMinSeconds: 30,
  keepAliveMaxSeconds: 1200,
} as const

/** Why a topic cannot be published to, or undefined; the Basic Ingest prefix does not count (IOT-3). */
export function topicProblem(topic: string): string | undefined {
  if (topic === '') return 'the topic is empty'
  if (topic.includes('+') || topic.includes('#')) return 'a topic to publish to has no wildcard'
  // MQTT 3.1.1, 1.5.3: U+0000 in a string ends the connection.
  if (topic.includes('\0')) return 'a topic holds no U+0000'
  // MQTT 3.1.1, 1.5.3: so does what is no UTF-8; the decoder puts U+FFFD in its place.
  if (topic.includes('\uFFFD')) return 'the topic is not valid UTF-8'
  if (Buffer.byteLength(topic) > limits.topicBytes) {
    return `the topic is longer than ${limits.topicBytes} bytes`
  }
  let slashes = 0
  for (const character of topic) if (character === '/') slashes++
  return slashes > limits.topicSlashes
    ? `the topic has more than ${limits.topicSlashes} slashes`
    : undefined
}
