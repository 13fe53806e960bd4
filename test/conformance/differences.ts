/** Where the local runtime differs from AWS on purpose, by item of the behaviour sheet, with the reason. */
export const differences: Readonly<Record<string, string>> = {
  W29: 'Plain HTTP and WebSocket on loopback: TLS would need a certificate that every browser has to be told to trust.',
  I1: 'MQTT 5 is refused (CONNACK 1): aedes speaks 3.1.1. QoS 2 gets no answer, as documented.',
  I9: 'A refused connection is answered by aedes with CONNACK 5 where IoT Core sends 7.',
  I21: 'Plain MQTT on loopback instead of TLS with client certificates; the user name names the thing.',
  K11: 'Shards are read as soon as records arrive instead of once a second, so that a screen on one machine feels live.',
}
