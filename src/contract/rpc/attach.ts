import { ROUTES, urlOf } from '../rest/endpoints/routes.ts'

/**
 * How a runner attaches itself: it opens a websocket at `ATTACH_PATH` with its identity as bearer
 * token, and over that socket the dispatcher then speaks HTTP/2 as the client, the runner as the
 * server of `narwhal.v1.RunnerService`.
 */
export const ATTACH_PATH = urlOf(ROUTES.attachRunner)

/** In the answer to the handshake, also a refusing one: the id of the dispatcher that was reached. */
export const DISPATCHER_HEADER = 'narwhal-dispatcher'

/**
 * In the handshake: the ids, with commas between them, of the dispatchers that the runner is attached
 * to already. One of these refuses with `conflict`: a balancer has led to it once more.
 */
export const ATTACHED_HEADER = 'narwhal-attached'

/** No message over the socket is larger. HTTP/2 frames of 16 KiB and their headers are far below. */
export const MOST_MESSAGE_BYTES = 64 * 1024

/** How often each side sends a ping: proxies cut what is quiet, some after 10 seconds. */
export const PING_MS = 3_000

/**
 * A side that has heard nothing for so long takes the other for gone. It is shorter than a lease, so
 * that a runner whose connection was lost without a word is back before its jobs are taken away.
 */
export const SILENCE_MS = 7_000
