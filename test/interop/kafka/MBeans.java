import java.util.TreeSet;
import javax.management.*;
import javax.management.remote.*;

/** Prints the names of a process's MBeans and of their attributes, a line each: `domain:key=value,… attribute`. Arguments: its JMX port. */
public class MBeans {
  public static void main(String[] args) throws Exception {
    var url = new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + args[0] + "/jmxrmi");
    try (var connector = JMXConnectorFactory.connect(url)) {
      var server = connector.getMBeanServerConnection();
      for (var name : new TreeSet<>(server.queryNames(new ObjectName("kafka.*:*"), null)))
        for (var attribute : server.getMBeanInfo(name).getAttributes())
          System.out.println(name.getDomain() + ":" + name.getCanonicalKeyPropertyListString() + " " + attribute.getName());
    }
  }
}
