import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** The client of Apache Kafka itself, as an oracle: for each topic and codec given, prints what a strict reader finds, then writes lines of its own. */
public class Interop {
  public static void main(String[] args) throws Exception {
    for (int i = 2; i + 1 < args.length; i += 2) {
      read(args[0], args[i], Integer.parseInt(args[1]));
      write(args[0], args[i], args[i + 1], Integer.parseInt(args[1]));
    }
  }

  static void read(String brokers, String topic, int count) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("check.crcs", "true");
    settings.put("isolation.level", "read_committed");
    settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
      List<TopicPartition> all = List.of(new TopicPartition(topic, 0));
      consumer.assign(all);
      consumer.seekToBeginning(all);
      List<String> found = new ArrayList<>();
      while (found.size() < count) consumer.poll(Duration.ofSeconds(5)).forEach(record -> found.add(record.value()));
      for (String value : found) System.out.println(topic + "\t" + value);
    }
  }

  static void write(String brokers, String topic, String codec, int count) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("compression.type", codec);
    settings.put("linger.ms", "50");
    settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
      for (int i = 0; i < count; i++)
        producer.send(new ProducerRecord<>(topic, 0, null, "java " + i + " " + "gold and pebbles ".repeat(i % 40)));
    }
  }
}
