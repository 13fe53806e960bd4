// An MQTT broker in a process of its own, so that a test can freeze or kill it. Arguments: port (0: any). Prints its port, and a line when
// the twentieth reading has come.
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker()
let published = 0
broker.on('publish', (_, client) => {
  if (client && ++published === 20) process.stdout.write('flows\n')
})
const server = createServer({ noDelay: true }, broker.handle)
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  process.stdout.write(`${server.address().port}\n`)
})
process.once('disconnect', () => process.exit())
