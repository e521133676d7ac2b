/** Everything the application consists of. Importing a module makes its classes known to `Application.run`. */
import './audit.ts';
import './billing.ts';
import './dead-letters.ts';
import './fraud.ts';
import './live-report.ts';
import './order-source.ts';
import './report.ts';
import './summary.ts';
import './topics.ts';

export class OrdersApplication {}
