import { ROUTES, urlOf } from '../rest/endpoints/routes.ts'

/**
 * A runner attaches by opening a websocket at `ATTACH_PATH` with its identity as bearer token. Over that
 * socket the two speak HTTP/2: the dispatcher as client, the runner as server of `narwhal.v1.RunnerService`.
 */
export const ATTACH_PATH = urlOf(ROUTES.attachRunner)

/** In the handshake's response, also if it is refused: the id of the dispatcher that was reached. */
export const DISPATCHER_HEADER = 'narwhal-dispatcher'

/**
 * In the handshake: the comma-separated ids of the dispatchers that the runner is attached to already. If a
 * load balancer leads to one of these again, it refuses with `conflict`.
 */
export const ATTACHED_HEADER = 'narwhal-attached'

/** The limit of a message over the socket; HTTP/2 frames of 16 KiB and their headers are far below. */
export const MOST_MESSAGE_BYTES = 64 * 1024

/** How often each side sends a ping: proxies close idle connections, some after 10 seconds. */
export const PING_MS = 3_000

/**
 * After this silence a side considers the other gone. Shorter than a lease, so that a runner with a silently
 * broken connection is back before its jobs are taken away.
 */
export const SILENCE_MS = 7_000
