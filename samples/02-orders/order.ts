/** What travels on the topic `orders`. Payload classes carry their rules; the listeners see only orders that keep them. */
import { Type } from 'class-transformer';
import {
  ArrayNotEmpty,
  IsEmail,
  IsIn,
  IsInt,
  IsISO4217CurrencyCode,
  IsISO8601,
  IsNotEmpty,
  IsPositive,
  IsString,
  Length,
  ValidateNested,
} from 'class-validator';

export const CHANNELS = ['web', 'app', 'shop', 'phone'] as const;

export class Customer {
  @IsNotEmpty()
  id!: string;

  @IsNotEmpty()
  name!: string;

  @IsEmail()
  email!: string;

  @Length(2, 2)
  country!: string;
}

export class OrderLine {
  @IsNotEmpty()
  sku!: string;

  @IsString()
  description!: string;

  @IsInt()
  @IsPositive()
  quantity!: number;

  @IsInt()
  @IsPositive()
  unitPriceCents!: number;
}

export class Order {
  @IsNotEmpty()
  id!: string;

  @IsISO8601()
  placedAt!: string;

  @IsIn(CHANNELS)
  channel!: (typeof CHANNELS)[number];

  @IsNotEmpty()
  @ValidateNested()
  @Type(() => Customer)
  customer!: Customer;

  @IsISO4217CurrencyCode()
  currency!: string;

  @ArrayNotEmpty()
  @ValidateNested({ each: true })
  @Type(() => OrderLine)
  lines!: OrderLine[];

  @IsInt()
  @IsPositive()
  totalCents!: number;
}
