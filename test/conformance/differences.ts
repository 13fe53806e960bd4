/** Where the local runtime differs from AWS on purpose, by item of the behaviour sheet, with the reason. */
export const differences: Readonly<Record<string, string>> = {
  'APIGW-29':
    'Plain HTTP and WebSocket on loopback: TLS would need a certificate that every browser has to be told to trust.',
  'APIGW-79':
    'Request models are not emulated; a route or resource that asks for one is refused by name before anything starts.',
  'APIGW-80': 'As APIGW-79.',
  'APIGW-83':
    'Content handling is not emulated; an integration that asks for it is refused by name before anything starts.',
  'MGMT-6':
    'Keys that this run gave out are checked as on AWS. Any other key is the local developer: there is nothing to check it against.',
  'APIGW-105':
    'Access logs know the variables that a WebSocket API without IAM authorization, custom domain and WAF can fill; the others are "-".',
  'APIGW-106':
    'Everything is logged and counted, also what AWS says it may leave out: best effort is no use in a test.',
  'IOT-1':
    'MQTT 5 is refused (CONNACK 1): the broker speaks 3.1.1. QoS 2 gets no answer, as documented; a will that asks for it is refused (CONNACK 3).',
  'IOT-21':
    'Plain MQTT on loopback instead of TLS with client certificates; the user name names the thing.',
  'KINESIS-1':
    'Shard rates are emulated and off when the system runs: one shard on one machine would only get in the way.',
  'KINESIS-2':
    'As KINESIS-1: without shard rates only a fault on purpose (kinesis.put) answers this error in the running system.',
  'KINESIS-9': 'A record can be read as soon as it is written; fault rules delay it.',
  'KINESIS-11':
    'Shards are read as soon as records arrive instead of once a second, so that a screen on one machine feels live.',
  'KINESIS-32':
    'Mappings come from the template alone; the API shows them and switches them on and off. The refusals are those of the API.',
  'LAMBDA-7':
    'The ranges are checked. Memory counts what JavaScript holds, heap and buffers, not the whole process; ephemeral storage has no limit.',
  'LAMBDA-9':
    'LAMBDA_TASK_ROOT is the directory of the bundle in cdk.out instead of /var/task; AWS_ENDPOINT_URL is added.',
  'LAMBDA-11':
    'A worker thread is not frozen between events: what was not awaited goes on at once. It is not interrupted either.',
  'LAMBDA-13':
    'A function has 10 environments at most (npm start -- --max-environments); further events wait, up to the 1,000 of an account, and there is no rate of growth.',
  'DDB-4':
    'There are no DynamoDB streams, so a deletion by time to live shows in none; a template with one is refused. It uses no write capacity, as documented.',
  'DDB-14': 'As DDB-23: a partition has no rate of its own.',
  'DDB-23':
    'Tables have no throughput quota: one machine is slower than any. Throttles are faults on purpose (dynamodb.{Operation}).',
}
