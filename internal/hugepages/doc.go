// Package hugepages lays large arrays in huge pages, where the system has them.
package hugepages
