import type { GenericSchema } from 'valibot'
import { UsageError } from '../errors.ts'
import { reportSchema } from '../report/schema.ts'
import { scenarioSchema } from '../scenario/schema.ts'

const schemas: Readonly<
  Record<string, { readonly title: string; readonly schema: GenericSchema }>
> = {
  scenario: {
    title: 'Scenario of the Gaugeline simulator, version 1',
    schema: scenarioSchema,
  },
  report: { title: 'Report of a Gaugeline load run, version 2', schema: reportSchema },
}

/**
 * The JSON Schema (draft 7) of what a person writes or a program reads: shapes, ranges and patterns. What needs the whole file, such as ids
 * that occur twice, only `validate` sees. Throws {@link UsageError} for anything but `scenario` and `report`.
 */
export async function jsonSchemaOf(name: string): Promise<object> {
  const known = schemas[name]
  if (!known) throw new UsageError(`there is no schema of ${name}; name scenario or report`)
  // Loaded when it is asked for: every other command starts without it.
  const { toJsonSchema } = await import('@valibot/to-json-schema')
  const { $schema, ...rest } = toJsonSchema(known.schema, {
    typeMode: 'input',
    errorMode: 'ignore',
  })
  return { $schema, title: known.title, ...rest }
}
