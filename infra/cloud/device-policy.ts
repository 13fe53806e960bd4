import type { Stack } from 'aws-cdk-lib'

/** AWS IoT replaces these at connect and publish time; they are not CloudFormation's. */
const THING = '${iot:Connection.Thing.ThingName}'
const SITE = '${iot:Connection.Thing.Attributes[site]}'

/**
 * What a device may do: be itself, publish its own telemetry and command results, receive its own commands. Nothing else
 * (SECURITY-4; Device Defender calls more than that critical).
 */
export function devicePolicy(stack: Stack, telemetryRule: string): object {
  const arn = (resource: string) =>
    `arn:${stack.partition}:iot:${stack.region}:${stack.account}:${resource}`
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 'iot:Connect',
        Resource: arn(`client/${THING}`),
        Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
      },
      {
        Effect: 'Allow',
        Action: 'iot:Publish',
        Resource: [
          arn(`topic/dt/${SITE}/${THING}/telemetry`),
          // Basic Ingest: the same message straight to the rule, without the messaging charge (IOT-64).
          arn(`topic/$aws/rules/${telemetryRule}/dt/${SITE}/${THING}/telemetry`),
          arn(`topic/cmd/${SITE}/${THING}/*/result`),
        ],
      },
      {
        Effect: 'Allow',
        Action: 'iot:Subscribe',
        Resource: arn(`topicfilter/cmd/${SITE}/${THING}/*`),
      },
      {
        Effect: 'Allow',
        Action: 'iot:Receive',
        Resource: arn(`topic/cmd/${SITE}/${THING}/*`),
      },
    ],
  }
}
