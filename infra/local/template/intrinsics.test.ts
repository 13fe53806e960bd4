import { describe, expect, test } from 'vitest'
import { resolve } from './intrinsics.ts'
import { createScope } from './scope.ts'
import type { Template } from './template.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }
const template: Template = {
  Resources: {
    Table: { Type: 'AWS::DynamoDB::Table' },
    Absent: { Type: 'AWS::DynamoDB::Table', Condition: 'Never' },
  },
  Parameters: {
    Stage: { Type: 'String', Default: 'prod' },
    Zones: { Type: 'CommaDelimitedList', Default: 'a,b' },
  },
  Mappings: { Sizes: { 'eu-west-1': { small: 128 } } },
  Conditions: {
    IsProd: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] },
    Never: { 'Fn::Not': [{ Condition: 'IsProd' }] },
    Both: { 'Fn::And': [{ Condition: 'IsProd' }, { Condition: 'Never' }] },
    Either: { 'Fn::Or': [{ Condition: 'IsProd' }, { Condition: 'Never' }] },
    Circular: { 'Fn::Not': [{ Condition: 'Circular' }] },
  },
}
const scope = createScope({
  template,
  account,
  parameters: {},
  created: new Map([
    ['Table', { ref: 'Test-Table', attributes: { Arn: 'arn:table', 'Nested.Value': 'deep' } }],
  ]),
})

describe('intrinsic functions', () => {
  test.each([
    ['Ref of a resource', { Ref: 'Table' }, 'Test-Table'],
    ['Ref of a parameter', { Ref: 'Stage' }, 'prod'],
    ['Ref of a list parameter', { Ref: 'Zones' }, ['a', 'b']],
    ['a pseudo parameter', { Ref: 'AWS::URLSuffix' }, 'amazonaws.com'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Table', 'Arn'] }, 'arn:table'],
    ['GetAtt as text', { 'Fn::GetAtt': 'Table.Arn' }, 'arn:table'],
    ['GetAtt of a nested name', { 'Fn::GetAtt': ['Table', 'Nested', 'Value'] }, 'deep'],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'Table' }, 3]] }, 'a-Test-Table-3'],
    ['Join of a split', { 'Fn::Join': ['/', { 'Fn::Split': [':', 'a:b'] }] }, 'a/b'],
    [
      'Sub',
      { 'Fn::Sub': '${AWS::Region}/${Table}/${Table.Arn}' },
      'eu-west-1/Test-Table/arn:table',
    ],
    [
      'Sub with its own variables',
      { 'Fn::Sub': ['${Mine}-${Stage}', { Mine: { Ref: 'Table' } }] },
      'Test-Table-prod',
    ],
    [
      'CFN-15: an escaped name in Sub stays',
      { 'Fn::Sub': 'client/${!iot:ClientId}' },
      'client/${iot:ClientId}',
    ],
    ['CFN-15: a name outside Sub stays', 'client/${iot:ClientId}', 'client/${iot:ClientId}'],
    ['Select', { 'Fn::Select': ['1', ['a', 'b']] }, 'b'],
    ['Split', { 'Fn::Split': ['/', 'a/b'] }, ['a', 'b']],
    ['If', { 'Fn::If': ['IsProd', 1, 2] }, 1],
    ['If with And', { 'Fn::If': ['Both', 1, 2] }, 2],
    ['If with Or', { 'Fn::If': ['Either', 1, 2] }, 1],
    ['FindInMap', { 'Fn::FindInMap': ['Sizes', { Ref: 'AWS::Region' }, 'small'] }, 128],
    ['FindInMap with a default', { 'Fn::FindInMap': ['Sizes', 'x', 'y', { DefaultValue: 1 }] }, 1],
    ['GetAZs', { 'Fn::GetAZs': '' }, ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']],
    ['Base64', { 'Fn::Base64': 'hi' }, 'aGk='],
    ['NoValue in an object', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
    ['NoValue in a list', [{ 'Fn::If': ['Never', 1, { Ref: 'AWS::NoValue' }] }, 2], [2]],
    ['an object with one key that is none', { Ref2: 'Table' }, { Ref2: 'Table' }],
  ])('%s', (_, value, expected) => {
    expect(resolve(value, scope)).toEqual(expected)
  })

  test.each([
    ['ImportValue', { 'Fn::ImportValue': 'Other:Export' }, 'Other:Export'],
    ['an unknown function', { 'Fn::Cidr': [] }, 'Fn::Cidr'],
    [
      'an unknown attribute',
      { 'Fn::GetAtt': ['Table', 'Nope'] },
      'Table (AWS::DynamoDB::Table) has no attribute Nope',
    ],
    ['an unknown resource', { Ref: 'Ghost' }, 'Ghost, which does not exist'],
    ['a resource whose condition is false', { Ref: 'Absent' }, 'its Condition is false'],
    ['an unknown map entry', { 'Fn::FindInMap': ['Sizes', 'x', 'y'] }, 'Sizes.x.y'],
    ['an index outside the list', { 'Fn::Select': [2, ['a']] }, 'index 2'],
    ['an unknown condition', { 'Fn::If': ['Nope', 1, 2] }, 'Nope does not exist'],
    ['a condition about itself', { 'Fn::If': ['Circular', 1, 2] }, 'Circular refers to itself'],
    ['an object in a Join', { 'Fn::Join': ['', [{ a: 1 }]] }, 'Fn::Join needs a string'],
  ])('%s is an error that names it', (_, value, message) => {
    expect(() => resolve(value, scope)).toThrow(message)
  })

  test('a parameter without a value is named', () => {
    const asking = { ...template, Parameters: { Email: { Type: 'String' } } }
    const options = { template: asking, account, created: new Map() }
    expect(() => createScope({ ...options, parameters: {} })).toThrow('Email')
    expect(createScope({ ...options, parameters: { Email: 'a@b' } }).ref('Email')).toBe('a@b')
  })
})
