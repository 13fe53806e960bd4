import { Duration, Stack } from 'aws-cdk-lib'
import {
  Effect,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam'
import { CfnPolicy, CfnTopicRule } from 'aws-cdk-lib/aws-iot'
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { recordKinds } from '../../backend/src/contract.ts'
import { devicePolicy } from './device-policy.ts'
import { redrivenQueue } from './redriven-queue.ts'
import { addIngestAlarms } from './ingest-alarms.ts'
import type { Foundation } from './foundation.ts'

interface RuleDefinition {
  readonly id: 'Telemetry' | 'CommandResult' | 'Presence'
  readonly kind: keyof typeof recordKinds
  readonly from: string
  /** Substitution template, evaluated on the original message (IOT-52). */
  readonly partitionKey: string
}

const rules: readonly RuleDefinition[] = [
  {
    id: 'Telemetry',
    kind: 'telemetry',
    from: 'dt/+/+/telemetry',
    partitionKey: '${topic(2)}/${topic(3)}',
  },
  {
    id: 'CommandResult',
    kind: 'result',
    from: 'cmd/+/+/+/result',
    partitionKey: '${topic(2)}/${topic(3)}',
  },
  {
    id: 'Presence',
    kind: 'presence',
    from: '$aws/events/presence/+/+',
    partitionKey: '${topic(5)}',
  },
]

export interface IngestProps {
  readonly foundation: Foundation
  /** Takes what redrive could not bring back for hours. */
  readonly undeliverable: Queue
}

/** From the broker to the stream: what devices may do, the topic rules, the stream, and the queue for what could not be put. */
export class Ingest extends Construct {
  readonly stream: Stream
  readonly errors: Queue
  /** To attach to the certificates of devices. */
  readonly devicePolicyName: string
  readonly #role: Role

  constructor(scope: Construct, id: string, { foundation, undeliverable }: IngestProps) {
    super(scope, id)
    this.stream = new Stream(this, 'Stream', {
      streamMode: StreamMode.PROVISIONED,
      shardCount: foundation.config.ingest.shards,
      retentionPeriod: Duration.hours(24),
      encryption: StreamEncryption.MANAGED,
      removalPolicy: foundation.disposable,
    })
    this.errors = redrivenQueue(this, 'RuleErrors', {
      foundation,
      undeliverable,
      alarm: {
        name: 'rule-errors-waiting',
        severity: 'P2',
        what: 'Messages that a topic rule could not put on the stream have waited for 15 minutes: redrive cannot put them there either',
        impact: 'Those readings are on no dashboard yet',
      },
    })
    this.#role = this.#ruleRole()
    for (const rule of rules) this.#addRule(rule)
    const telemetryRule = this.#ruleName('Telemetry')
    this.devicePolicyName = new CfnPolicy(this, 'DevicePolicy', {
      policyDocument: devicePolicy(Stack.of(this), telemetryRule),
    }).ref
    addIngestAlarms(this, { stream: this.stream, ruleName: telemetryRule }, foundation)
  }

  /** Rule names have no hyphen; fixed, because devices name the rule in Basic Ingest topics. */
  #ruleName(id: RuleDefinition['id']): string {
    return `${Stack.of(this).stackName.replace(/[^A-Za-z0-9_]/g, '_')}_${id}`
  }

  #ruleRole(): Role {
    const { account, region, partition } = Stack.of(this)
    const allow = (action: string, resource: string) =>
      new PolicyStatement({ effect: Effect.ALLOW, actions: [action], resources: [resource] })
    return new Role(this, 'RuleRole', {
      description: 'Gaugeline topic rules: put on the stream, keep what failed',
      // Only this account's rules may use the role (confused deputy).
      assumedBy: new ServicePrincipal('iot.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': account },
          ArnLike: { 'aws:SourceArn': `arn:${partition}:iot:${region}:${account}:rule/*` },
        },
      }),
      inlinePolicies: {
        PutAndKeep: new PolicyDocument({
          statements: [
            allow('kinesis:PutRecord', this.stream.streamArn),
            allow('sqs:SendMessage', this.errors.queueArn),
          ],
        }),
      },
    })
  }

  #addRule({ id, kind, from, partitionKey }: RuleDefinition): void {
    new CfnTopicRule(this, `${id}Rule`, {
      ruleName: this.#ruleName(id),
      topicRulePayload: {
        description: `Gaugeline: ${kind} to the stream, bytes untouched`,
        // The raw bytes travel in base64: a bad payload cannot fail in SQL and every original can be kept.
        sql: `SELECT '${recordKinds[kind]}' AS kind, topic() AS topic, clientid() AS clientId, timestamp() AS ts, encode(*, 'base64') AS data FROM '${from}'`,
        awsIotSqlVersion: '2016-03-23',
        ruleDisabled: false,
        actions: [
          {
            kinesis: {
              streamName: this.stream.streamName,
              partitionKey,
              roleArn: this.#role.roleArn,
            },
          },
        ],
        errorAction: {
          sqs: { queueUrl: this.errors.queueUrl, roleArn: this.#role.roleArn, useBase64: false },
        },
      },
    })
  }
}
