/**
 * The ports between the local services. Each service lives in `services/<name>/`, is made by one `create…` function that takes
 * what it needs as an options object, and imports other services only through these types.
 */

/** Time, injected everywhere so that ten minutes can pass in a millisecond. */
export interface Clock {
  /** Epoch milliseconds: what a thing is stamped with. The machine's clock may be set back or forward while it runs. */
  now(): number
  /** Milliseconds that only go forward, at the pace of a second a second: for rates, waits and ages. Begins where `now()` was at the start. */
  monotonic(): number
  /** Runs `task` once after `delayMs`; returns its cancellation. Never keeps the process alive. */
  after(delayMs: number, task: () => void): () => void
  /** Runs `task` every `intervalMs`; returns its cancellation. */
  every(intervalMs: number, task: () => void): () => void
}

/** Something with a beginning and an end. Started in order, stopped in reverse. */
export interface Service {
  readonly name: string
  start(): Promise<void>
  stop(): Promise<void>
}

export interface Account {
  readonly region: string
  readonly accountId: string
  readonly stackName: string
}

// ---------------------------------------------------------------------------------------------------------------------
// The template

/** A resource with every intrinsic resolved. */
export interface ResolvedResource {
  readonly logicalId: string
  readonly type: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** What CloudFormation would know after creating a resource. */
export interface CreatedResource {
  /** The value of `Ref`: the physical id. */
  readonly ref: string
  /** `Fn::GetAtt` attributes; nested names with dots. */
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>
}

/**
 * Which properties a provider understands. `used`: has its documented effect. `inert`: accepted, has no effect on one machine (say
 * why in a comment). An object: nested properties, each listed. `[spec]`: a list of such. `{ '*': spec }`: any name.
 * A property that is not listed stops the start with the logical id and the property's path.
 */
export type PropertySpec =
  | 'used'
  | 'inert'
  | readonly [PropertySpec]
  | { readonly [name: string]: PropertySpec }

export interface ResourceProvider {
  /** For example `AWS::DynamoDB::Table`. */
  readonly type: string
  readonly properties: { readonly [name: string]: PropertySpec }
  create(resource: ResolvedResource): CreatedResource | Promise<CreatedResource>
  /** Live reload: the same logical id with other properties. Absent = the resource is replaced by delete + create. */
  update?(
    resource: ResolvedResource,
    previous: ResolvedResource,
  ): CreatedResource | Promise<CreatedResource>
  delete?(resource: ResolvedResource): void | Promise<void>
}

/** A service that owns resource types. */
export interface ResourceService extends Service {
  readonly providers: readonly ResourceProvider[]
}

// ---------------------------------------------------------------------------------------------------------------------
// AWS API front: one HTTP endpoint for every emulated API

export interface Principal {
  /** ARN of the assumed role of a function or a service, or the local developer. */
  readonly arn: string
  /** Role ARN to evaluate policies of; undefined = the local developer, who may do everything. */
  readonly roleArn?: string
}

/** One parsed AWS API call. */
export interface ApiRequest {
  /** The signing name: `dynamodb`, `kinesis`, `sqs`, `monitoring`, `lambda`, `execute-api`, `iotdata`, `logs`, … */
  readonly service: string
  /** Operation, when the protocol names it (JSON target, query Action, rpc-v2 path); '' for REST protocols. */
  readonly operation: string
  readonly protocol: 'json' | 'query' | 'rest' | 'rpc-v2-cbor'
  readonly method: string
  /** Decoded once, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly principal: Principal
  readonly requestId: string
}

export interface ApiResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** The API of one service, mounted in the front by its signing names. Throws {@link AwsError} for documented failures. */
export interface ApiHandler {
  readonly signingNames: readonly string[]
  handle(request: ApiRequest): Promise<ApiResponse>
}

// ---------------------------------------------------------------------------------------------------------------------
// IAM

/** Condition keys of a request, such as `cloudwatch:namespace` or `dynamodb:LeadingKeys`, for policies with a Condition. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>

export interface Authorization {
  /**
   * Throws AwsError `AccessDeniedException` (403 or 400, as the service documents; the front maps it) when the role's
   * policies in the template do not allow `action` on `resource`. The local developer is always allowed.
   */
  check(principal: Principal, action: string, resource: string, context?: ConditionContext): void
  /** The same as a question. */
  isAllowed(
    principal: Principal,
    action: string,
    resource: string,
    context?: ConditionContext,
  ): boolean
  /** Static credentials of a role, for its function's environment; the front maps the access key back to the role. */
  credentialsFor(
    roleArn: string,
    functionName: string,
  ): {
    accessKeyId: string
    secretAccessKey: string
    sessionToken: string
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Services as the others see them

export interface InvocationResult {
  readonly requestId: string
  /** Parsed answer; undefined for asynchronous invocations. */
  readonly payload: unknown
  /** Set when the function failed: thrown, timed out, out of memory, init error. */
  readonly functionError?: 'Unhandled' | 'Handled'
  /** Base64 of the last 4 KB of logs. */
  readonly logTail?: string
}

export interface Functions {
  /**
   * Runs a function by name or ARN (a qualifier is accepted). Throws AwsError `TooManyRequestsException` (throttled) or
   * `ResourceNotFoundException`; a failure of the function itself is a result with `functionError`.
   * `invokedBy`: service principal and source ARN, checked against AWS::Lambda::Permission.
   */
  invoke(request: {
    readonly functionName: string
    readonly payload: unknown
    readonly invocationType?: 'RequestResponse' | 'Event'
    readonly invokedBy?: { readonly service: string; readonly sourceArn: string }
    /** Nobody waits any more: an event that still waits for an environment is not run (AwsError `RequestAbandoned`). */
    readonly abandoned?: AbortSignal
  }): Promise<InvocationResult>
  /** Seconds, MB and ARN of a function. */
  describe(functionName: string): {
    readonly arn: string
    readonly timeoutSeconds: number
    readonly memoryMb: number
    /** Execution role: what an event source mapping polls with. */
    readonly roleArn?: string
  }
}

export interface StreamPut {
  readonly streamName: string
  readonly partitionKey: string
  readonly explicitHashKey?: string
  readonly data: Buffer
}

export interface StreamRecordOut {
  readonly sequenceNumber: string
  readonly partitionKey: string
  readonly data: Buffer
  /** Epoch ms; within a shard never less than the record before has, also when the wall clock was set back. */
  readonly approximateArrivalMs: number
  /** The same moment on the monotonic clock: how old a record is. */
  readonly arrivedMs: number
}

export interface Streams {
  /** Throws AwsError `ProvisionedThroughputExceededException`, `ResourceNotFoundException`. */
  put(record: StreamPut): Promise<{ readonly shardId: string; readonly sequenceNumber: string }>
  /** In-process consumer position for the event source mapping. */
  shards(streamName: string): readonly {
    readonly shardId: string
    readonly parentShardId?: string
    readonly closed: boolean
  }[]
  /** Records of a shard after a sequence number (undefined = trim horizon), at most `limit` and about `maxBytes`. */
  read(
    streamName: string,
    shardId: string,
    after: string | undefined,
    limit: number,
    maxBytes: number,
  ): readonly StreamRecordOut[]
  /** The highest sequence number ever given out in a shard, whether or not its record is still there; undefined = none yet. */
  latest(streamName: string, shardId: string): string | undefined
  /** Called soon after records arrive; returns the removal. */
  onRecords(streamName: string, listener: (shardId: string) => void): () => void
  /**
   * Keeps what a consumer has not finished when memory runs short (retention still ends it): `finished` gives the last finished
   * sequence number of a shard, undefined = nothing yet. Returns the removal.
   */
  hold?(streamName: string, finished: (shardId: string) => string | undefined): () => void
}

export interface Queues {
  /** By queue ARN. */
  send(
    queueArn: string,
    body: string,
    attributes?: Readonly<Record<string, string>>,
  ): Promise<{ readonly messageId: string }>
}

/** A received message: hidden from others until its visibility timeout ends or `remove` is called. */
export interface QueueMessage {
  readonly messageId: string
  readonly receiptHandle: string
  readonly body: string
  readonly md5OfBody: string
  /** System attributes as the API names them (`ApproximateReceiveCount`, `SentTimestamp` …). */
  readonly attributes: Readonly<Record<string, string>>
  /** Message attributes in the shape of an SQS event record. */
  readonly messageAttributes: Readonly<Record<string, unknown>>
}

/** A queue as the event source mapping polls it. By queue ARN. */
export interface QueueSource {
  receive(queueArn: string, max: number): readonly QueueMessage[]
  remove(queueArn: string, receiptHandle: string): void
  /** Called soon after a message has become visible; returns the removal. */
  onMessages(queueArn: string, listener: () => void): () => void
}

export interface Topics {
  /**
   * By topic ARN. `publishedBy`: an AWS service, which the topic's policy must let through, as `invokedBy` of a function; absent = a caller whose own
   * role has been asked. Rejects with AwsError.
   */
  publish(
    topicArn: string,
    message: {
      readonly subject?: string
      readonly body: string
      readonly publishedBy?: { readonly service: string; readonly sourceArn: string }
    },
  ): Promise<void>
}

export interface BusEvent {
  readonly source: string
  readonly detailType: string
  readonly resources: readonly string[]
  readonly detail: unknown
}

export interface EventBus {
  /** To the default bus: matched against the rules of the template. */
  put(event: BusEvent): Promise<void>
}

/** Publishes through the broker as the data plane does. */
export interface Broker {
  publish(
    topic: string,
    payload: Buffer,
    options?: { readonly qos?: 0 | 1; readonly retain?: boolean },
  ): Promise<void>
}

export interface MetricDatum {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly value: number
  /** How often this value was seen; 1 when absent. */
  readonly count?: number
  readonly unit?: string
  /** Epoch ms; the start of what is measured. */
  readonly timestampMs: number
  /** 1 or 60 seconds. */
  readonly storageResolution?: 1 | 60
}

export interface Metrics {
  put(datum: MetricDatum): void
}

export interface LogSink {
  /** One log event. The logs service extracts EMF from it and keeps a bounded tail per group. */
  write(event: {
    readonly group: string
    readonly stream: string
    readonly message: string
    readonly timestampMs: number
  }): void
}

/** Faults on purpose, at the seams. A service asks at each seam; without faults the answer is undefined and costs nothing. */
export interface Faults {
  /** `seam`: a name of the table in `seams.ts`. `target`: what the call is about (table, function, connection id …). */
  at(seam: string, target?: string): Fault | undefined
}

export type Fault =
  | { readonly kind: 'throttle' }
  | {
      readonly kind: 'error'
      readonly status?: number
      readonly code?: string
      readonly message?: string
    }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'duplicate'; readonly times: number }
  | { readonly kind: 'kill'; readonly ms: number }
