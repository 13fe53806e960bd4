import { expect, test } from 'vitest'
import { createHostMap } from './host-map.ts'

const hosts = createHostMap()
hosts.add('abc.execute-api.eu-west-1.amazonaws.com', '127.0.0.1:4000')
hosts.add('d1.cloudfront.net', '127.0.0.1:8080')
hosts.add('sqs.eu-west-1.amazonaws.com', '127.0.0.1:4566')

test.each([
  ['https://abc.execute-api.eu-west-1.amazonaws.com/prod', 'http://127.0.0.1:4000/prod'],
  ['wss://abc.execute-api.eu-west-1.amazonaws.com/prod', 'ws://127.0.0.1:4000/prod'],
  ['https://d1.cloudfront.net', 'http://127.0.0.1:8080'],
  ['https://D1.cloudfront.net:443/x', 'http://127.0.0.1:8080/x'],
  ['d1.cloudfront.net', '127.0.0.1:8080'],
  [
    "connect-src 'self' wss://abc.execute-api.eu-west-1.amazonaws.com https://d1.cloudfront.net;",
    "connect-src 'self' ws://127.0.0.1:4000 http://127.0.0.1:8080;",
  ],
  ['https://xd1.cloudfront.net', 'https://xd1.cloudfront.net'],
  ['https://d1.cloudfront.net.evil.example', 'https://d1.cloudfront.net.evil.example'],
  ['https://sqs.eu-west-1.amazonaws.com/0/q', 'http://127.0.0.1:4566/0/q'],
  ['arn:aws:sqs:eu-west-1:000000000000:q', 'arn:aws:sqs:eu-west-1:000000000000:q'],
])('%s becomes %s', (text, expected) => {
  expect(hosts.rewrite(text)).toBe(expected)
})

test('an empty map changes nothing', () => {
  expect(createHostMap().rewrite('https://d1.cloudfront.net')).toBe('https://d1.cloudfront.net')
})
