/** A listener with a mistake in its decorator, as a compiler writes the decorator out: it throws while the module is loaded. */
import { Application, KafkaListener } from '#app';

class Orders {
  onOrder(_order: string): void {}
}
KafkaListener({ id: 'orders', topics: 'orders', ackMode: 'manul' as 'manual' })(Orders.prototype, 'onOrder');

await Application.run(Orders);
