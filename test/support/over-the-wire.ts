import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'

/** What arrives at the other end of a connection when this is sent. */
export function overTheWire<Desc extends DescMessage>(
  schema: Desc,
  message: MessageInitShape<Desc>,
): MessageShape<Desc> {
  return fromBinary(schema, toBinary(schema, create(schema, message)))
}
