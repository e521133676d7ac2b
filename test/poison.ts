/** Memory that the broker gives back is spoiled in all tests, so that whoever still reads it reads nonsense. */
import { poisonReleased } from '#core';

poisonReleased(0xdb);
