import { access } from './access.ts'
import { charts } from './charts.ts'
import { cost } from './cost.ts'
import { latency } from './latency.ts'
import { neighbours } from './neighbours.ts'
import { start } from './start.ts'
import { storm } from './storm.ts'
import { formatTable, isWithin, type Row } from './table.ts'

const benches: Readonly<Record<string, () => Promise<Row[]>>> = {
  start,
  latency,
  access,
  charts,
  storm,
  neighbours,
  cost,
}

const names = process.argv.slice(2)
const unknown = names.find((name) => !(name in benches))
if (unknown !== undefined) {
  process.stderr.write(
    `bench: no benchmark ${unknown}; there are ${Object.keys(benches).join(', ')}\n`,
  )
  process.exit(2)
}
const rows: Row[] = []
for (const name of names.length > 0 ? names : Object.keys(benches)) {
  process.stderr.write(`── ${name}\n`)
  const found = (await benches[name]?.()) ?? []
  process.stdout.write(`${formatTable(found)}\n`)
  rows.push(...found)
}
process.exitCode = rows.every(isWithin) ? 0 : 1
