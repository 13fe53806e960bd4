import { readFile } from 'node:fs/promises'
import { StartError } from '../platform/errors.ts'

/** One entry of `Resources`, as written: intrinsics unresolved. */
export interface TemplateResource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
  readonly Metadata?: Readonly<Record<string, unknown>>
  readonly DependsOn?: string | readonly string[]
  readonly Condition?: string
  // Without effect here: nothing is ever deleted or replaced behind the developer's back.
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}

export interface TemplateParameter {
  readonly Type: string
  readonly Default?: string | number
}

export interface TemplateOutput {
  readonly Value: unknown
  readonly Description?: string
  readonly Condition?: string
  readonly Export?: { readonly Name: unknown }
}

/** A CloudFormation template in JSON. `Rules` only guard the cloud's bootstrap version and are not read. */
export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>
  readonly Mappings?: Readonly<
    Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>
  >
  readonly Conditions?: Readonly<Record<string, unknown>>
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const sections = new Set([
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Resources',
  'Parameters',
  'Mappings',
  'Conditions',
  'Outputs',
  'Rules',
])

/** Checks the outer shape. Throws StartError `TEMPLATE_INVALID`. */
export function parseTemplate(text: string, name: string): Template {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new StartError('TEMPLATE_INVALID', `${name} is not JSON; run npm run synth again`, {
      cause,
    })
  }
  if (!isRecord(value) || !isRecord(value['Resources'])) {
    throw new StartError('TEMPLATE_INVALID', `${name} has no Resources; run npm run synth again`)
  }
  const unknown = Object.keys(value).filter((section) => !sections.has(section))
  if (unknown.length > 0) {
    throw new StartError(
      'TEMPLATE_INVALID',
      `${name} has sections that infra/local does not read: ${unknown.join(', ')}`,
    )
  }
  return value as unknown as Template
}

/** Reads and checks a template file. Throws StartError `TEMPLATE_INVALID`. */
export async function readTemplate(file: string): Promise<Template> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new StartError('TEMPLATE_INVALID', `${file} cannot be read; run npm run synth first`, {
      cause,
    })
  }
  return parseTemplate(text, file)
}
