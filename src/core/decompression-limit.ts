/** The one refusal of everything that would grow beyond its limit when decompressed. */
import { KafkaError } from './kafka-error.ts';

export function tooLarge(codec: string, compressedBytes: number, bytesMax: number): KafkaError {
  return new KafkaError(
    'MESSAGE_TOO_LARGE',
    `${compressedBytes} bytes of ${codec} hold more than the ${bytesMax} bytes allowed once decompressed`,
    { errorCode: 10 },
  );
}
