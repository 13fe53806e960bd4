import { describe, expect, it } from 'vitest'
import { readFunctionConfig } from './config.ts'

const account = { region: 'eu-west-1', accountId: '000000000000', stackName: 'Test' }
const read = (properties: object) =>
  readFunctionConfig(
    {
      logicalId: 'Deliver',
      type: 'AWS::Lambda::Function',
      properties: {
        Role: 'arn:aws:iam::000000000000:role/r',
        Code: { S3Key: 'h.zip' },
        ...properties,
      },
    },
    account,
    (s3Key) => `/assets/${s3Key}`,
  )

describe('readFunctionConfig', () => {
  it('LAMBDA-7: defaults are 3 s and 128 MB', () => {
    expect(read({})).toMatchObject({ timeoutSeconds: 3, memoryMb: 128 })
  })

  it('CFN-10: takes numbers as CloudFormation may write them, and names the function after its stack', () => {
    const config = read({ Timeout: '30', MemorySize: '512' })
    expect(config).toMatchObject({
      timeoutSeconds: 30,
      memoryMb: 512,
      codeDirectory: '/assets/h.zip',
      name: expect.stringMatching(/^Test-Deliver-[A-Z0-9]{12}$/) as string,
    })
    expect(config.arn).toBe(`arn:aws:lambda:eu-west-1:000000000000:function:${config.name}`)
    expect(config.logGroup).toBe(`/aws/lambda/${config.name}`)
  })

  it.each<[string, object, RegExp]>([
    ['LAMBDA-7', { Timeout: 901 }, /Timeout is 901/],
    ['LAMBDA-7', { Timeout: 0 }, /Timeout is 0/],
    ['LAMBDA-7', { MemorySize: 64 }, /MemorySize is 64/],
    ['LAMBDA-7', { MemorySize: 10_241 }, /MemorySize is 10241/],
    ['LAMBDA-8', { Environment: { Variables: { '1A': 'x' } } }, /'1A'/],
    ['LAMBDA-8', { Environment: { Variables: { A: 'x' } } }, /'A'/],
    ['LAMBDA-8', { Environment: { Variables: { 'A-B': 'x' } } }, /'A-B'/],
    ['LAMBDA-8', { Environment: { Variables: { AWS_REGION: 'x' } } }, /reserved/],
    ['LAMBDA-8', { Environment: { Variables: { LONG: 'x'.repeat(4096) } } }, /4100 bytes/],
  ])('%s: %j is refused with the logical id and the rule', (_, properties, reason) => {
    expect(() => read(properties)).toThrow(reason)
    expect(() => read(properties)).toThrow(/^Deliver: /)
  })
})
