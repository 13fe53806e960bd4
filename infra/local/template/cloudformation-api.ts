import { AwsError } from '../platform/errors.ts'
import type { ApiHandler, ApiRequest } from '../platform/types.ts'
import type { Deployed, DeployedResource } from './deploy.ts'
import { stackIdOf } from './scope.ts'
import type { Template } from './template.ts'

/** An XML element: text, or named children; a list becomes `<member>`s. */
type Xml = string | readonly Xml[] | { readonly [name: string]: Xml | undefined }

const escaped = (text: string): string =>
  text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`)

const isXmlList = (value: Xml): value is readonly Xml[] => Array.isArray(value)

function toXml(value: Xml): string {
  if (typeof value === 'string') return escaped(value)
  if (isXmlList(value)) return value.map((entry) => `<member>${toXml(entry)}</member>`).join('')
  return Object.entries(value)
    .map(([name, entry]) => (entry === undefined ? '' : `<${name}>${toXml(entry)}</${name}>`))
    .join('')
}

const NAMESPACE = 'http://cloudformation.amazonaws.com/doc/2010-05-15/'

interface Stack {
  readonly deployed: Deployed
  readonly template: Template
  /** ISO 8601. */
  readonly createdAt: string
}

const identity = ({ deployed }: Stack): Record<string, Xml> => ({
  StackName: deployed.account.stackName,
  StackId: stackIdOf(deployed.account),
})

function describeStacks(stack: Stack): Xml {
  const outputs = stack.deployed.outputs.map((output) => ({
    OutputKey: output.key,
    OutputValue: output.value,
    Description: output.description,
    ExportName: output.exportName,
  }))
  return {
    Stacks: [
      {
        ...identity(stack),
        CreationTime: stack.createdAt,
        StackStatus: 'CREATE_COMPLETE',
        DisableRollback: 'false',
        Outputs: outputs,
      },
    ],
  }
}

function resourceXml(stack: Stack, resource: DeployedResource, timeName: string): Xml {
  return {
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.physicalId,
    ResourceType: resource.type,
    ResourceStatus: 'CREATE_COMPLETE',
    [timeName]: stack.createdAt,
  }
}

function wantedResources(stack: Stack, query: URLSearchParams): readonly DeployedResource[] {
  const logicalId = query.get('LogicalResourceId')
  if (logicalId === null) return stack.deployed.resources
  const resource = stack.deployed.byLogicalId(logicalId)
  if (resource) return [resource]
  throw new AwsError(
    'ValidationError',
    `Resource ${logicalId} does not exist for stack ${stack.deployed.account.stackName}`,
  )
}

const operations: Readonly<Record<string, (stack: Stack, query: URLSearchParams) => Xml>> = {
  DescribeStacks: describeStacks,
  ListStacks: (stack) => ({
    StackSummaries: [
      { ...identity(stack), CreationTime: stack.createdAt, StackStatus: 'CREATE_COMPLETE' },
    ],
  }),
  DescribeStackResources: (stack, query) => ({
    StackResources: wantedResources(stack, query).map((resource) => ({
      ...identity(stack),
      ...(resourceXml(stack, resource, 'Timestamp') as Record<string, Xml>),
    })),
  }),
  DescribeStackResource: (stack, query) => ({
    StackResourceDetail: wantedResources(stack, query)
      .slice(0, 1)
      .map((resource) => ({
        ...identity(stack),
        ...(resourceXml(stack, resource, 'LastUpdatedTimestamp') as Record<string, Xml>),
      }))[0],
  }),
  ListStackResources: (stack) => ({
    StackResourceSummaries: stack.deployed.resources.map((resource) =>
      resourceXml(stack, resource, 'LastUpdatedTimestamp'),
    ),
  }),
  GetTemplate: (stack) => ({ TemplateBody: JSON.stringify(stack.template) }),
}

function requireStack(stack: Stack, request: ApiRequest): void {
  const name = request.query.get('StackName')
  const { account } = stack.deployed
  if (name === null || name === account.stackName || name === stackIdOf(account)) return
  throw new AwsError('ValidationError', `Stack with id ${name} does not exist`)
}

/**
 * CloudFormation's reading operations over the one running stack (query protocol): DescribeStacks, ListStacks,
 * DescribeStackResource(s), ListStackResources, GetTemplate. `stack` answers undefined until everything is created.
 */
export function cloudFormationApi(stack: () => Stack | undefined): ApiHandler {
  return {
    signingNames: ['cloudformation'],
    handle(request) {
      const operation = Object.hasOwn(operations, request.operation)
        ? operations[request.operation]
        : undefined
      if (!operation) {
        throw new AwsError(
          'InvalidAction',
          `cloudformation:${request.operation} is not emulated on one machine; emulated: ${Object.keys(operations).join(', ')}`,
        )
      }
      const current = stack()
      if (!current) throw new AwsError('ValidationError', 'The stack is still being created')
      requireStack(current, request)
      const result = toXml(operation(current, request.query))
      const name = request.operation
      return Promise.resolve({
        status: 200,
        headers: { 'content-type': 'text/xml' },
        body: `<${name}Response xmlns="${NAMESPACE}"><${name}Result>${result}</${name}Result><ResponseMetadata><RequestId>${request.requestId}</RequestId></ResponseMetadata></${name}Response>`,
      })
    },
  }
}
